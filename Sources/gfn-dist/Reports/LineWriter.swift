internal import Foundation

/// Where JSON Lines go: standard output as they come, or a file that appears when it is complete.
final class LineWriter {
    private static let flushSize = 1 << 16

    private let path: String?
    private let sidePath: String
    private let handle: FileHandle
    private var waiting: [UInt8] = []
    private var isFinished = false

    /// - Parameter path: nil: standard output. A file that is there already is replaced in the end.
    init(_ path: String?) throws(RunError) {
        self.path = path
        sidePath = "\(path ?? "").partial-\(getpid())"
        guard path != nil else {
            handle = .standardOutput
            return
        }
        let descriptor = open(sidePath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw .inputOutput("\(path ?? "") cannot be written: \(String(cString: strerror(errno)))")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Adds one line; it is handed on when enough have come together, or by `flush`.
    func write(_ line: JSONLine) throws(RunError) {
        waiting += Array(line.text.utf8)
        waiting.append(UInt8(ascii: "\n"))
        if waiting.count >= Self.flushSize { try flush() }
    }

    /// Hands on what was written so far.
    func flush() throws(RunError) {
        do { try handle.write(contentsOf: Data(waiting)) } catch { throw failure(error.localizedDescription) }
        waiting.removeAll(keepingCapacity: true)
    }

    /// Puts the file in its place.
    func finish() throws(RunError) {
        try flush()
        if let path {
            do { try handle.synchronize() } catch { throw failure(error.localizedDescription) }
            guard rename(sidePath, path) == 0 else { throw failure(String(cString: strerror(errno))) }
        }
        isFinished = true
    }

    private func failure(_ reason: String) -> RunError {
        .inputOutput("\(path ?? "standard output") cannot be written: \(reason)")
    }

    deinit {
        if path != nil, !isFinished { unlink(sidePath) }
    }
}
