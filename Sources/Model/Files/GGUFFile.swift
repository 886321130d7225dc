/// A value of a GGUF file's metadata.
enum GGUFValue: Sendable, Equatable {
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case string(ByteString)
    case array([GGUFValue])
    /// An array of strings.
    case strings(ByteStrings)

    var summary: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .boolean(let value): "\(value)"
        case .string(let value): "\"\(value.text.prefix(60))\""
        case .array(let elements): "an array of \(elements.count)"
        case .strings(let strings): "an array of \(strings.count)"
        }
    }

    /// The same as JSON, but for the elements of arrays, which are left null.
    var asJSON: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .boolean(let value): .boolean(value)
        case .string(let value): .string(value)
        case .array(let elements): .array(Array(repeating: .null, count: elements.count))
        case .strings(let strings): .array(Array(repeating: .null, count: strings.count))
        }
    }
}

/// A GGUF file (versions 2 and 3, little-endian): metadata, the table of tensors, and where their bytes lie.
///
/// The file is mapped; opening it checks every count, length and offset against the file's size before use.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
final class GGUFFile: Sendable {
    struct Tensor: Sendable {
        let name: String
        let format: BlockFormat
        /// Outermost extent first, as elsewhere; the file lists them the other way round.
        let shape: [Int]
        /// Place in the file.
        let bytes: Range<Int>

        /// A vector counts as one row.
        var rowCount: Int { shape.dropLast().reduce(1, *) }
    }

    let path: String
    let metadata: [String: GGUFValue]
    let tensors: [String: Tensor]
    private let file: MappedFile

    init(_ path: String) throws(ModelFileError) {
        self.path = path
        file = try MappedFile(path)
        var cursor = GGUFCursor(bytes: file.bytes, path: path)
        let magic = try cursor.read(UInt32.self, "the magic number")
        guard magic == 0x4655_4747 else {
            throw .malformed(path: path, field: "the magic number", expected: "\"GGUF\"", found: "0x\(String(magic, radix: 16))")
        }
        let version = try cursor.read(UInt32.self, "the version")
        guard version == 2 || version == 3 else {
            if version.byteSwapped == 2 || version.byteSwapped == 3 {
                throw .unsupported(
                    path: path, field: "the byte order", supported: "little-endian; convert the model again without big-endian output",
                    found: "big-endian")
            }
            throw .unsupported(path: path, field: "the GGUF version", supported: "2 and 3, little-endian", found: "\(version)")
        }
        // A tensor's record has at least 24 bytes, a metadata entry 13.
        let tensorCount = try cursor.count("the number of tensors", elementBytes: 24)
        let metadataCount = try cursor.count("the number of metadata entries", elementBytes: 13)

        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<metadataCount {
            let key = try cursor.string("a metadata key").text
            let type = try cursor.read(UInt32.self, "the type of \(key)")
            let value = try cursor.value(type: type, name: key, depth: 0)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw .malformed(path: path, field: key, expected: "one entry per key", found: "there twice")
            }
        }
        var alignment = 32
        if let value = metadata["general.alignment"] {
            guard case .integer(let integer) = value, integer >= 8, integer <= 1 << 20, integer & (integer - 1) == 0 else {
                throw .malformed(
                    path: path, field: "general.alignment", expected: "a power of two from 8 to 2^20", found: value.summary)
            }
            alignment = integer
        }

        var records: [(name: String, format: BlockFormat, shape: [Int], offset: UInt64)] = []
        for _ in 0..<tensorCount { records.append(try cursor.tensorRecord()) }
        let dataStart = (cursor.position + alignment - 1) / alignment * alignment
        var tensors: [String: Tensor] = [:]
        for record in records {
            let tensor = try Self.place(record, dataStart: dataStart, alignment: alignment, fileCount: file.bytes.count, path: path)
            guard tensors.updateValue(tensor, forKey: tensor.name) == nil else {
                throw .malformed(path: path, field: "tensor \(tensor.name)", expected: "a name of its own", found: "there twice")
            }
        }
        var last: Tensor?
        for tensor in tensors.values.sorted(by: { $0.bytes.lowerBound < $1.bytes.lowerBound }) {
            if let last, tensor.bytes.lowerBound < last.bytes.upperBound {
                throw .malformed(
                    path: path, field: "tensor \(tensor.name)", expected: "bytes of its own", found: "sharing bytes with \(last.name)")
            }
            last = tensor
        }
        self.metadata = metadata
        self.tensors = tensors
    }

    private static func place(
        _ record: (name: String, format: BlockFormat, shape: [Int], offset: UInt64), dataStart: Int, alignment: Int,
        fileCount: Int, path: String
    ) throws(ModelFileError) -> Tensor {
        let (name, format, shape) = (record.name, record.format, record.shape)
        guard let last = shape.last, last % format.elementCount == 0 else {
            throw .malformed(
                path: path, field: "tensor \(name)", expected: "rows of a multiple of \(format.elementCount) numbers for \(format.name)",
                found: "of shape \(shape)")
        }
        guard let elements = shape.checkedProduct(),
            let byteCount = [elements / format.elementCount].checkedProduct(times: format.byteCount),
            let offset = Int(exactly: record.offset), offset <= fileCount, byteCount <= fileCount,
            dataStart + offset + byteCount <= fileCount
        else {
            throw .malformed(
                path: path, field: "tensor \(name)", expected: "within the file of \(fileCount) bytes",
                found: "of shape \(shape) at offset \(record.offset), beyond its end")
        }
        guard offset % alignment == 0 else {
            throw .malformed(
                path: path, field: "offset of tensor \(name)", expected: "a multiple of the alignment \(alignment)", found: "\(offset)")
        }
        return Tensor(name: name, format: format, shape: shape, bytes: dataStart + offset..<dataStart + offset + byteCount)
    }

    /// Dequantises one row of a tensor; the row's numbers are contiguous in the file.
    func readRow(_ row: Int, of tensor: Tensor, into destination: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < tensor.rowCount, "row \(row) of \(tensor.name), which has \(tensor.rowCount)")
        let rowBytes = tensor.bytes.count / tensor.rowCount
        guard rowBytes > 0, let base = file.bytes.baseAddress else { return }
        tensor.format.dequantise(
            base + tensor.bytes.lowerBound + row * rowBytes, blocks: rowBytes / tensor.format.byteCount, into: destination)
    }

    /// The same row as it is stored (`BlockFormat.readCodes`).
    func readCodes(
        _ row: Int, of tensor: Tensor, codes: UnsafeMutablePointer<Int8>, scales: UnsafeMutablePointer<Float>,
        offsets: UnsafeMutablePointer<Float>
    ) {
        precondition(row >= 0 && row < tensor.rowCount, "row \(row) of \(tensor.name), which has \(tensor.rowCount)")
        let rowBytes = tensor.bytes.count / tensor.rowCount
        guard rowBytes > 0, let base = file.bytes.baseAddress else { return }
        tensor.format.readCodes(
            base + tensor.bytes.lowerBound + row * rowBytes, blocks: rowBytes / tensor.format.byteCount, codes: codes, scales: scales,
            offsets: offsets)
    }
}

/// Reads from the front of a GGUF file, never beyond its end.
struct GGUFCursor {
    let bytes: UnsafeRawBufferPointer
    let path: String
    private(set) var position = 0
    /// What the elements of arrays may still take in memory: a number of one byte is kept as sixteen.
    private var budget: Int

    init(bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
        budget = bytes.count + (48 << 20)
    }

    /// Counts `bytes` of memory that `field` is about to take.
    private mutating func spend(_ bytes: Int, on field: String) throws(ModelFileError) {
        budget -= bytes
        guard budget >= 0 else {
            throw .malformed(path: path, field: field, expected: "arrays in proportion to the file's size", found: "longer")
        }
    }

    private var remaining: Int { bytes.count - position }

    private func truncated(_ field: String, _ needed: String) -> ModelFileError {
        .malformed(path: path, field: field, expected: "\(needed) at byte \(position)", found: "cut off: \(remaining) bytes are left")
    }

    mutating func read<Number: BitwiseCopyable>(_ type: Number.Type, _ field: String) throws(ModelFileError) -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw truncated(field, "\(size) bytes") }
        defer { position += size }
        return bytes.loadUnaligned(fromByteOffset: position, as: type)
    }

    /// A 64-bit count of things that need `elementBytes` each, so that a huge one is refused before anything is allocated.
    mutating func count(_ field: String, elementBytes: Int) throws(ModelFileError) -> Int {
        let count = try read(UInt64.self, field)
        guard count <= UInt64(remaining / elementBytes) else {
            throw .malformed(path: path, field: field, expected: "at most \(remaining / elementBytes), for the file's size", found: "\(count)")
        }
        return Int(count)
    }

    mutating func string(_ field: String) throws(ModelFileError) -> ByteString { ByteString(Array(try stringBytes(field))) }

    private mutating func stringBytes(_ field: String) throws(ModelFileError) -> Slice<UnsafeRawBufferPointer> {
        let length = try count("the length of \(field)", elementBytes: 1)
        let slice = bytes[position..<position + length]
        guard String(validating: slice, as: UTF8.self) != nil else {
            throw .malformed(path: path, field: field, expected: "UTF-8 text", found: "invalid UTF-8")
        }
        position += length
        return slice
    }

    mutating func value(type: UInt32, name: String, depth: Int) throws(ModelFileError) -> GGUFValue {
        switch type {
        case 0: return .integer(Int(try read(UInt8.self, name)))
        case 1: return .integer(Int(try read(Int8.self, name)))
        case 2: return .integer(Int(try read(UInt16.self, name)))
        case 3: return .integer(Int(try read(Int16.self, name)))
        case 4: return .integer(Int(try read(UInt32.self, name)))
        case 5: return .integer(Int(try read(Int32.self, name)))
        case 6: return .number(Double(try read(Float.self, name)))
        case 7:
            let byte = try read(UInt8.self, name)
            guard byte < 2 else { throw .malformed(path: path, field: name, expected: "a boolean, 0 or 1", found: "\(byte)") }
            return .boolean(byte == 1)
        case 8: return .string(try string(name))
        case 9:
            // Nothing in the format's list of keys nests arrays at all.
            guard depth < 3 else { throw .malformed(path: path, field: name, expected: "at most 3 nested arrays", found: "nested deeper") }
            let elementType = try read(UInt32.self, "the element type of \(name)")
            let smallest = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8]
            guard elementType < smallest.count else { throw unknownType(elementType, name) }
            let count = try count("the length of \(name)", elementBytes: smallest[Int(elementType)])
            if elementType == 8 {
                var strings = ByteStrings()
                strings.reserve(count)
                for _ in 0..<count { strings.append(try stringBytes(name)) }
                return .strings(strings)
            }
            try spend(16 * count, on: name)
            var elements: [GGUFValue] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(try value(type: elementType, name: name, depth: depth + 1)) }
            return .array(elements)
        case 10:
            let number = try read(UInt64.self, name)
            guard let integer = Int(exactly: number) else {
                throw .malformed(path: path, field: name, expected: "a number below 2^63", found: "\(number)")
            }
            return .integer(integer)
        case 11: return .integer(Int(try read(Int64.self, name)))
        case 12: return .number(try read(Double.self, name))
        default: throw unknownType(type, name)
        }
    }

    private func unknownType(_ type: UInt32, _ name: String) -> ModelFileError {
        .malformed(path: path, field: "the type of \(name)", expected: "one of the value types 0 to 12", found: "\(type)")
    }

    mutating func tensorRecord() throws(ModelFileError) -> (name: String, format: BlockFormat, shape: [Int], offset: UInt64) {
        let name = try string("a tensor's name").text
        let dimensions = try read(UInt32.self, "the number of dimensions of \(name)")
        guard (1...4).contains(dimensions) else {
            throw .malformed(path: path, field: "the number of dimensions of \(name)", expected: "1 to 4", found: "\(dimensions)")
        }
        var shape: [Int] = []
        for _ in 0..<dimensions {
            let extent = try read(UInt64.self, "the shape of \(name)")
            guard let extent = Int(exactly: extent), extent > 0 else {
                throw .malformed(path: path, field: "the shape of \(name)", expected: "extents from 1 to 2^63", found: "\(extent)")
            }
            shape.insert(extent, at: 0)
        }
        let type = try read(UInt32.self, "the type of \(name)")
        guard let format = BlockFormat(rawValue: type) else {
            throw .unsupported(
                path: path, field: "the type of tensor \(name)",
                supported: BlockFormat.allCases.map(\.name).joined(separator: ", "), found: "number \(type)")
        }
        return (name, format, shape, try read(UInt64.self, "the offset of \(name)"))
    }
}
