#if !_endian(little)
#error("ByteWriter and ByteReader copy arrays of numbers as they lie in memory, which must be little-endian")
#endif

/// Numbers whose bytes in memory are their bytes in a message.
package protocol PlainNumber: BitwiseCopyable {}
extension UInt8: PlainNumber {}
extension UInt16: PlainNumber {}
extension UInt32: PlainNumber {}
extension UInt64: PlainNumber {}
extension Int32: PlainNumber {}
extension Int64: PlainNumber {}
extension Float: PlainNumber {}
extension Double: PlainNumber {}

/// Writes the payload of a message: numbers in little-endian order, arrays and texts after their count.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    package mutating func write<Number: PlainNumber>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    /// Counts and identifiers, as 64 bits.
    package mutating func write(_ integer: Int) { write(Int64(integer)) }

    package mutating func write(_ flag: Bool) { write(flag ? 1 as UInt8 : 0) }

    package mutating func write<Number: PlainNumber>(_ numbers: [Number]) {
        write(numbers.count)
        numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func write(_ text: String) { write(Array(text.utf8)) }

    /// Bytes without a count, for whoever knows how many there are.
    package mutating func writeRaw(_ raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }
}

/// Reads what `ByteWriter` wrote, and never past the end, whatever the bytes say.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private(set) package var offset = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var remaining: Int { bytes.count - offset }

    package mutating func read<Number: PlainNumber>(_ type: Number.Type = Number.self) throws(ByteReaderError) -> Number {
        let start = try skip(MemoryLayout<Number>.size)
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Number.self) }
    }

    package mutating func readInt() throws(ByteReaderError) -> Int { Int(try read(Int64.self)) }

    /// A count of elements, refused unless it lies in `range`: for loops that read one element at a time.
    package mutating func readCount(in range: ClosedRange<Int>) throws(ByteReaderError) -> Int {
        let start = offset
        let count = try readInt()
        guard range.contains(count) else { throw .value(count, expected: range, offset: start) }
        return count
    }

    package mutating func readFlag() throws(ByteReaderError) -> Bool {
        let start = offset
        let byte = try read(UInt8.self)
        guard byte <= 1 else { throw .value(Int(byte), expected: 0...1, offset: start) }
        return byte == 1
    }

    package mutating func readArray<Number: PlainNumber>(
        of type: Number.Type = Number.self
    ) throws(ByteReaderError) -> [Number] {
        let size = MemoryLayout<Number>.stride
        // Compared by division and before any memory is taken, so that a wrong count costs nothing.
        let start = offset
        let count = try readInt()
        guard count >= 0, count <= remaining / size else {
            throw .count(count, elementSize: size, remaining: remaining, offset: start)
        }
        let position = try skip(count * size)
        return [Number](unsafeUninitializedCapacity: count) { buffer, filled in
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count * size]))
            }
            filled = count
        }
    }

    package mutating func readText() throws(ByteReaderError) -> String {
        let start = offset
        let utf8 = try readArray(of: UInt8.self)
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .text(offset: start) }
        return text
    }

    package mutating func readRaw(_ count: Int) throws(ByteReaderError) -> [UInt8] {
        let start = try skip(count)
        return Array(bytes[start..<start + count])
    }

    /// Says that all has been read; bytes that are left over mean that writer and reader disagree.
    package func finish() throws(ByteReaderError) {
        guard remaining == 0 else { throw .leftOver(remaining) }
    }

    private mutating func skip(_ count: Int) throws(ByteReaderError) -> Int {
        guard count >= 0, count <= remaining else { throw .tooShort(wanted: count, remaining: remaining, offset: offset) }
        defer { offset += count }
        return offset
    }
}

/// Bytes that are not what the reader of a payload expects.
package enum ByteReaderError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooShort(wanted: Int, remaining: Int, offset: Int)
    case count(Int, elementSize: Int, remaining: Int, offset: Int)
    case value(Int, expected: ClosedRange<Int>, offset: Int)
    case text(offset: Int)
    case leftOver(Int)

    package var description: String {
        switch self {
        case .tooShort(let wanted, let remaining, let offset):
            "the payload ends too early: \(wanted) bytes expected at offset \(offset), \(remaining) are left"
        case .count(let count, let size, let remaining, let offset):
            "the payload announces \(count) elements of \(size) bytes at offset \(offset), but \(remaining) bytes are left"
        case .value(let value, let expected, let offset):
            "the payload has \(value) at offset \(offset) where \(expected.lowerBound) to \(expected.upperBound) is expected"
        case .text(let offset): "the text at offset \(offset) of the payload is not UTF-8"
        case .leftOver(let count): "the payload has \(count) bytes more than its reader knows of"
        }
    }
}
