internal import Model

/// Why a checkpoint cannot be written, or not be trusted.
package enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case inaccessible(path: String, reason: String)
    case missing(path: String)
    case size(path: String, expected: Int, found: Int)
    case digest(path: String)
    case malformed(path: String, detail: String)
    case format(path: String, expected: Int, found: Int)
    case mismatch(path: String, field: String, expected: String, found: String)

    package var description: String { sentence.printable(limit: 1000) }

    private var sentence: String {
        switch self {
        case .inaccessible(let path, let reason): "\(path) cannot be read or written: \(reason)"
        case .missing(let path): "\(path) is not there, so the checkpoint is incomplete: use an earlier one"
        case .size(let path, let expected, let found):
            "\(path) has \(found) bytes where the manifest says \(expected): the file was cut or changed, use an earlier checkpoint"
        case .digest(let path):
            "\(path) does not have the SHA-256 of the manifest: the file was changed, use an earlier checkpoint"
        case .malformed(let path, let detail): "\(path) is not what this program writes: \(detail)"
        case .format(let path, let expected, let found):
            "\(path) has format \(found) and this program reads format \(expected): resume with the program that wrote it"
        case .mismatch(let path, let field, let expected, let found):
            "\(path): \(field) is \(found), but the configuration makes it \(expected): resume with the configuration of the run"
        }
    }
}
