internal import Foundation

/// Where the scores go: standard output as they come, or a file that appears when it is complete.
final class ScoreWriter {
    private let path: String?
    private let sidePath: String
    private let handle: FileHandle
    private var waiting = Data()
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

    func write(_ request: ScoreRequest, _ scores: LineScores) {
        var line = JSONLine()
        switch request.problem {
        case .number(let number): line.add("problem_id", number)
        case .text(let text): line.add("problem_id", text)
        case nil: break
        }
        if let sample = request.sample { line.add("sample_index", sample) }
        line.add("completion_tokens", request.completion.map(Int.init))
        line.add("logprobs", scores.tokens)
        line.add("stop_logprobs", scores.stops)
        line.add("sum_logprob", scores.tokens.reduce(0) { $0 + Double($1) })
        waiting += Data((line.text + "\n").utf8)
    }

    /// Hands on what was written so far.
    func flush() throws(RunError) {
        do { try handle.write(contentsOf: waiting) } catch { throw failure(error.localizedDescription) }
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
