internal import Foundation

/// Numbers of a .npy file, whatever their shape, in the order in which they lie there.
enum NumpyVector {
    /// Reads little-endian fp32; throws `RunError.missingInput` and `RunError.badData`.
    static func read(_ path: String) throws -> [Float] {
        guard let file = FileManager.default.contents(atPath: path) else {
            throw RunError.missingInput("\(path) cannot be read; name a .npy file of fp32 numbers")
        }
        let bytes = [UInt8](file)
        func bad(_ reason: String) -> RunError { .badData("\(path) \(reason); expected a .npy file of little-endian fp32 numbers") }
        // \x93NUMPY, two bytes of version, the length of the header in two bytes or, since version 2, in four, a dictionary in Python.
        guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else { throw bad("is no .npy file") }
        let start = bytes[6] == 1 ? 10 : 12
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - start else { throw bad("ends within its header") }
        let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard header.contains("'descr': '<f4'") else { throw bad("has other numbers") }
        let numbers = bytes[(start + length)...]
        guard numbers.count % 4 == 0, count(in: header) == numbers.count / 4 else {
            throw bad("has \(numbers.count) bytes of numbers, not what its shape says")
        }
        return [Float](unsafeUninitializedCapacity: numbers.count / 4) { buffer, filled in
            numbers.withUnsafeBytes { source in
                for i in 0..<buffer.count { buffer[i] = source.loadUnaligned(fromByteOffset: 4 * i, as: Float.self) }
            }
            filled = buffer.count
        }
    }

    /// The product of the extents of the shape; nil where there is none, or where it is beyond all files.
    private static func count(in header: String) -> Int? {
        guard let start = header.range(of: "'shape': ("), let end = header[start.upperBound...].firstIndex(of: ")") else { return nil }
        var count = 1
        for extent in header[start.upperBound..<end].split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let extent = Int(extent), extent >= 0 else { return nil }
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            if overflows { return nil }
            count = product
        }
        return count
    }
}
