/// Writes safetensors files: header padded with blanks to 8 bytes, tensors in the order given.
package enum SafetensorsWriter {
    package enum Values: Sendable {
        case float32([Float])
        /// The bits of bfloat16 numbers.
        case bfloat16([UInt16])
        case int64([Int64])

        var type: SafetensorsFile.ElementType {
            switch self {
            case .float32: .float32
            case .bfloat16: .bfloat16
            case .int64: .int64
            }
        }

        var count: Int {
            switch self {
            case .float32(let values): values.count
            case .bfloat16(let values): values.count
            case .int64(let values): values.count
            }
        }

        func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            switch self {
            case .float32(let values): values.withUnsafeBytes(body)
            case .bfloat16(let values): values.withUnsafeBytes(body)
            case .int64(let values): values.withUnsafeBytes(body)
            }
        }
    }

    package struct Tensor: Sendable {
        package let name: String
        package let shape: [Int]
        package let values: Values

        /// `values` are row-major, as many as `shape` says.
        package init(name: String, shape: [Int], values: Values) {
            precondition(shape.reduce(1, *) == values.count, "tensor \(name): shape \(shape), \(values.count) values")
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// Writes `tensors` to a side file and renames it to `path`. Throws when the disk refuses.
    ///
    /// `metadata` is written with its keys sorted, so that equal contents give equal files.
    package static func write(
        _ tensors: [Tensor], metadata: [String: String] = [:], to path: String
    ) throws(ModelFileError) {
        let entries = tensors.map { (name: $0.name, shape: $0.shape, type: $0.values.type) }
        try write(entries, metadata: metadata, to: path) { index, file in tensors[index].values.withBytes { file.write($0) } }
    }

    /// The same with tensors that are not in memory: `content` writes the bytes of the one at an index.
    static func write(
        _ tensors: [(name: String, shape: [Int], type: SafetensorsFile.ElementType)], metadata: [String: String], to path: String,
        content: (_ index: Int, SideFile) throws(ModelFileError) -> Void
    ) throws(ModelFileError) {
        var members: [JSONMember] = []
        if !metadata.isEmpty {
            let items = metadata.sorted { $0.key < $1.key }.map { JSONMember(ByteString($0.key), JSONValue($0.value)) }
            members.append(JSONMember("__metadata__", .object(items)))
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.shape.reduce(1, *) * tensor.type.byteCount
            members.append(
                JSONMember(
                    ByteString(tensor.name),
                    .object([
                        JSONMember("dtype", JSONValue(tensor.type.rawValue)),
                        JSONMember("shape", .array(tensor.shape.map { .integer($0) })),
                        JSONMember("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])))
            offset = end
        }
        var header = JSONValue.object(members).encoded(indented: false)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }

        let file = try SideFile(replacing: path)
        (length + header).withUnsafeBytes { file.write($0) }
        for index in tensors.indices { try content(index, file) }
        try file.finish()
    }
}
