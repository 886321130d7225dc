package import Model

/// Why a data file cannot be used.
package enum DataFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    /// Compressed, and not what was once compressed.
    case damaged(path: String, coding: String, reason: String)
    /// Of another format; the advice says how to convert it.
    case foreign(path: String, format: String, advice: String)
    /// Not a single record.
    case empty(path: String, kind: String)
    /// The first bad lines, and how many more there are.
    case badLines(path: String, [BadLine], more: Int)

    package struct BadLine: Equatable, Sendable {
        package let line: Int
        package let fault: JSONRecord.Fault

        package init(line: Int, fault: JSONRecord.Fault) { (self.line, self.fault) = (line, fault) }
    }

    /// Bad lines that are shown at most.
    static let shownLines = 20

    /// One line for each bad line.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): return "\(path) cannot be read: \(reason)"
        case .damaged(let path, let coding, let reason): return "\(path) is damaged: its \(coding) data \(reason)"
        case .foreign(let path, let format, let advice): return "\(path) is \(format), expected JSON Lines in UTF-8; \(advice)"
        case .empty(let path, let kind): return "\(path) has no \(kind)"
        case .badLines(let path, let lines, let more):
            let shown = lines.map { bad in
                "\(path):\(bad.line): \(bad.fault.field.map { "\($0): " } ?? "")expected \(bad.fault.expected), found \(bad.fault.found)"
                    .printable(limit: 600)
            }
            return (shown + (more > 0 ? ["\(path): \(more) more bad lines"] : [])).joined(separator: "\n")
        }
    }
}
