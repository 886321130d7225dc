/// Writes a GGUF file, version 3, tensor by tensor: none of them has to be in memory as a whole.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
struct GGUFWriter {
    enum Value {
        case integer(UInt32)
        case number(Float)
        case boolean(Bool)
        case text(String)
        case texts([String])
        case integers([Int32])

        /// The format's number for the type.
        fileprivate var type: UInt32 {
            switch self {
            case .integer: 4
            case .number: 6
            case .boolean: 7
            case .text: 8
            case .texts, .integers: 9
            }
        }
    }

    struct Tensor {
        let name: String
        /// Outermost extent first.
        let shape: [Int]
        let format: BlockFormat

        var byteCount: Int { shape.reduce(1, *) / format.elementCount * format.byteCount }
    }

    private static let alignment = 32
    private let file: SideFile
    private var position = 0

    /// Begins the file. `write` puts down the tensors in this order, `finish` ends it.
    init(replacing path: String, metadata: [(name: String, value: Value)], tensors: [Tensor]) throws(ModelFileError) {
        file = try SideFile(replacing: path)
        var header: [UInt8] = Array("GGUF".utf8)
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { header += $0 } }
        func append(_ text: String) {
            append(UInt64(text.utf8.count))
            header += Array(text.utf8)
        }
        append(UInt32(3))
        append(UInt64(tensors.count))
        append(UInt64(metadata.count))
        for (name, value) in metadata {
            append(name)
            append(value.type)
            switch value {
            case .integer(let integer): append(integer)
            case .number(let number): append(number.bitPattern)
            case .boolean(let flag): append(UInt8(flag ? 1 : 0))
            case .text(let text): append(text)
            case .texts(let texts):
                append(Value.text("").type)
                append(UInt64(texts.count))
                for text in texts { append(text) }
            case .integers(let integers):
                append(UInt32(5))
                append(UInt64(integers.count))
                for integer in integers { append(integer) }
            }
        }
        var offset = 0
        for tensor in tensors {
            append(tensor.name)
            append(UInt32(tensor.shape.count))
            for extent in tensor.shape.reversed() { append(UInt64(extent)) }
            append(tensor.format.rawValue)
            append(UInt64(offset))
            offset = Self.aligned(offset + tensor.byteCount)
        }
        header += [UInt8](repeating: 0, count: Self.aligned(header.count) - header.count)
        header.withUnsafeBytes { file.write($0) }
    }

    private static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }

    /// Some of a tensor's bytes; with `isLast` what fills the space up to the next tensor follows.
    mutating func write(_ bytes: UnsafeRawBufferPointer, isLast: Bool) {
        file.write(bytes)
        position += bytes.count
        guard isLast else { return }
        let padding = [UInt8](repeating: 0, count: Self.aligned(position) - position)
        padding.withUnsafeBytes { file.write($0) }
        position += padding.count
    }

    func finish() throws(ModelFileError) { try file.finish() }
}
