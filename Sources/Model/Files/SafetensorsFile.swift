/// One file in the safetensors format: a length, a JSON header, and the tensors' bytes without gap or overlap.
///
/// The file is mapped, not read; opening it checks the whole header against the file's size.
/// Format: https://github.com/huggingface/safetensors#format
package final class SafetensorsFile: Sendable {
    /// How numbers are stored, by the header's spelling.
    package enum ElementType: String, Sendable, CaseIterable {
        case float64 = "F64", float32 = "F32", float16 = "F16", bfloat16 = "BF16"
        case int64 = "I64", int32 = "I32", int16 = "I16", int8 = "I8"
        case uint64 = "U64", uint32 = "U32", uint16 = "U16", uint8 = "U8", boolean = "BOOL"

        package var byteCount: Int {
            switch self {
            case .float64, .int64, .uint64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .bfloat16, .int16, .uint16: 2
            case .int8, .uint8, .boolean: 1
            }
        }
    }

    /// One tensor of the file.
    package struct Entry: Sendable {
        package let name: String
        package let type: ElementType
        package let shape: [Int]
        /// Place in the file.
        let bytes: Range<Int>
    }

    /// The reference implementation's bound.
    static let maximumHeaderLength = 100_000_000

    package let path: String
    /// In the order of their bytes.
    package let entries: [Entry]
    package let metadata: [String: String]
    private let file: MappedFile
    private let indices: [String: Int]

    package init(_ path: String) throws(ModelFileError) {
        self.path = path
        file = try MappedFile(path)
        let bytes = file.bytes
        func malformed(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: path, field: field, expected: expected, found: found)
        }
        guard bytes.count >= 8 else { throw malformed("the file", "at least 8 bytes", "\(bytes.count) bytes") }
        let headerLength = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard headerLength <= UInt64(min(Self.maximumHeaderLength, bytes.count - 8)) else {
            throw malformed(
                "the header's length", "at most \(min(Self.maximumHeaderLength, bytes.count - 8)) in a file of \(bytes.count) bytes",
                "\(headerLength)")
        }
        let dataStart = 8 + Int(headerLength)
        let header = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
        guard header.first == UInt8(ascii: "{") else { throw malformed("the header", "a JSON object", "something else") }
        let fields = try JSONFields(JSONParser.parse(header, path: path, part: "the header"), path: path)

        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for member in fields.members {
            if member.key == "__metadata__" {
                for item in try JSONFields(member.value, path: path, name: "__metadata__").members {
                    guard case .string(let text) = item.value else {
                        throw malformed("__metadata__.\(item.key.text)", "a string", item.value.summary)
                    }
                    metadata[item.key.text] = text.text
                }
            } else {
                entries.append(
                    try Self.entry(member, path: path, dataStart: dataStart, dataCount: bytes.count - dataStart))
            }
        }
        entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
        var end = dataStart
        for entry in entries {
            guard entry.bytes.lowerBound == end else {
                throw malformed(
                    "data_offsets of \(entry.name)", "the beginning to be \(end - dataStart), where the tensor before it ends",
                    "\(entry.bytes.lowerBound - dataStart)")
            }
            end = entry.bytes.upperBound
        }
        guard end == bytes.count else {
            throw malformed("the file", "\(end) bytes, by its header", "\(bytes.count) bytes")
        }
        var indices: [String: Int] = [:]
        for (index, entry) in entries.enumerated() where indices.updateValue(index, forKey: entry.name) != nil {
            throw malformed("tensor \(entry.name)", "a name of its own", "there twice")
        }
        self.entries = entries
        self.metadata = metadata
        self.indices = indices
    }

    private static func entry(
        _ member: JSONMember, path: String, dataStart: Int, dataCount: Int
    ) throws(ModelFileError) -> Entry {
        let name = member.key.text
        let fields = try JSONFields(member.value, path: path, name: name)
        let spelling = try fields.required("dtype", JSONFields.string)
        guard let type = ElementType(rawValue: spelling) else {
            throw .unsupported(
                path: path, field: "\(name).dtype",
                supported: ElementType.allCases.map(\.rawValue).joined(separator: ", "), found: spelling)
        }
        let shape = try fields.naturals("shape")
        let offsets = try fields.naturals("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= dataCount else {
            throw .malformed(
                path: path, field: "\(name).data_offsets", expected: "a beginning and an end within the \(dataCount) bytes of data",
                found: "\(offsets)")
        }
        guard let count = shape.checkedProduct(times: type.byteCount), count == offsets[1] - offsets[0] else {
            throw .malformed(
                path: path, field: "\(name).shape", expected: "\(offsets[1] - offsets[0]) bytes of \(spelling), as data_offsets say",
                found: "\(shape)")
        }
        return Entry(name: name, type: type, shape: shape, bytes: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    package func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

    /// The tensor's bytes as they stand in the file; valid within `body`.
    package func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard let entry = entry(name) else { return nil }
        let result = body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.bytes]))
        withExtendedLifetime(file) {}
        return result
    }

    /// All elements of an I64 tensor.
    package func integers(of name: String) throws(ModelFileError) -> [Int64] {
        let entry = try required(name)
        guard entry.type == .int64 else {
            throw .malformed(path: path, field: "\(name).dtype", expected: "I64", found: entry.type.rawValue)
        }
        return withBytes(of: name) { bytes in
            (0..<bytes.count / 8).map { Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        } ?? []
    }

    private func required(_ name: String) throws(ModelFileError) -> Entry {
        guard let entry = entry(name) else {
            throw .missing(path: path, field: "tensor \(name)", advice: "the file does not fit the configuration beside it")
        }
        return entry
    }
}

extension SafetensorsFile: WeightSource {
    package var paths: [String] { [path] }

    package var names: [String] { entries.map(\.name) }

    package func shape(of name: String) -> [Int]? { entry(name)?.shape }

    package func storedType(of name: String) -> String? { entry(name)?.type.rawValue }

    package func readRows(
        of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(ModelFileError) {
        let entry = try required(name)
        let rowCount = entry.shape.count > 1 ? entry.shape[0] : 1
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(name), which has \(rowCount)")
        guard rowCount > 0, !rows.isEmpty else { return }
        let rowBytes = entry.bytes.count / rowCount
        let start = entry.bytes.lowerBound + rows.lowerBound * rowBytes
        let count = rows.count * rowBytes / entry.type.byteCount
        guard count > 0, let base = file.bytes.baseAddress else { return }
        let source = base + start
        switch entry.type {
        case .float32:
            UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: 4 * count)
        case .bfloat16:
            for i in 0..<count { destination[i] = Float(bfloat16Bits: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
        case .float16:
            for i in 0..<count { destination[i] = Float(float16Bits: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
        default:
            throw .unsupported(
                path: path, field: "dtype of weight \(name)", supported: "F32, F16, BF16", found: entry.type.rawValue)
        }
        if let index = firstNotFinite(destination, count: count) {
            throw .notFinite(path: path, tensor: name, row: rows.lowerBound + index / (count / rows.count))
        }
    }
}

extension JSONFields {
    /// An array of integers that are not negative.
    fileprivate func naturals(_ key: String) throws(ModelFileError) -> [Int] {
        var values: [Int] = []
        for element in try required(key, JSONFields.array) {
            guard case .integer(let value) = element, value >= 0 else {
                throw mismatch(key, expected: "integers that are not negative", element)
            }
            values.append(value)
        }
        return values
    }
}
