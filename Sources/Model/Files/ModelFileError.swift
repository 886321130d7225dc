/// What is wrong with a model file, a tokenizer file or an adapter, with what a person needs to put it right.
///
/// `path` is the file as the user named it; `field` is the key, tensor or part of the file that is at fault.
package enum ModelFileError: Error, Equatable, Sendable {
    /// The file or folder cannot be opened, read or written; `reason` is the operating system's.
    case inaccessible(path: String, reason: String)
    case unwritable(path: String, reason: String)
    /// A part that has to be there is not.
    case missing(path: String, field: String, advice: String)
    /// The bytes contradict the file format, or one field contradicts another.
    case malformed(path: String, field: String, expected: String, found: String)
    /// The file may be valid, but asks for something that this program does not do.
    case unsupported(path: String, field: String, supported: String, found: String)
    /// A tensor has another shape than the configuration implies.
    case shape(path: String, tensor: String, expected: [Int], found: [Int])
    /// A weight is NaN or infinite.
    case notFinite(path: String, tensor: String, row: Int)
    /// The system gives no memory for a part of the packed weights.
    case noMemory(part: String, byteCount: Int)
}

extension ModelFileError: CustomStringConvertible {
    package var description: String { sentence.printable(limit: 1000) }

    private var sentence: String {
        switch self {
        case .inaccessible(let path, let reason):
            "\(path): cannot be used: \(reason)"
        case .unwritable(let path, let reason):
            "\(path) could not be written: \(reason)"
        case .missing(let path, let field, let advice):
            "\(path): \(field.printable()) is missing; \(advice)"
        case .malformed(let path, let field, let expected, let found):
            "\(path): \(field.printable()) is \(found.printable()), expected \(expected.printable())"
        case .unsupported(let path, let field, let supported, let found):
            "\(path): \(field.printable()) is \(found.printable()), which is not supported; supported: \(supported)"
        case .shape(let path, let tensor, let expected, let found):
            "\(path): tensor \(tensor.printable()) has shape \(found), but the configuration makes it \(expected)"
        case .noMemory(let part, let byteCount):
            "the system gives no memory for the \(part) weights of the base, which take \((byteCount >> 20) + 1) MiB; start fewer ranks on a "
                + "node, set base.weights=blocks for a quantised base, or take a node with more memory"
        case .notFinite(let path, let tensor, let row):
            "\(path): tensor \(tensor.printable()) holds NaN or an infinity in row \(row); the file is damaged or its training diverged"
        }
    }
}
