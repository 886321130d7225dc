internal import Glibc
internal import Processes

/// Many cases of one format, each in a child process that may die of it.
///
///     parent ── starts ──▶ child, from case n on
///            ◀── pipe ──── "begin n", then "end n", its verdict, time and memory
///
/// A child that dies or says nothing for too long has met its case: that is noted, and another goes on behind it.
package struct Campaign {
    package struct Found: Sendable {
        package let number: Int
        package let what: String
    }

    /// What came of a format's cases.
    package struct Summary: Sendable {
        package let format: String
        package var read = 0, refused = 0
        package var slowest = 0.0, slowestCase = 0
        package var largest = 0, largestCase = 0
        package var found: [Found] = []

        package var count: Int { read + refused + found.count }
    }

    /// A format that fails everywhere need not be tried to the end.
    package static let enough = 25

    private let command: (_ first: Int, _ count: Int) -> [String]
    private let errorsPath: String
    private let patience: Double

    /// - Parameters:
    ///   - patience: a child is given up for hanging after so many seconds without a word.
    ///   - command: the child's program and arguments.
    ///   - errorsPath: a file for what children say as they die.
    package init(errorsPath: String, patience: Double, command: @escaping (_ first: Int, _ count: Int) -> [String]) {
        (self.errorsPath, self.patience, self.command) = (errorsPath, patience, command)
    }

    package func run(_ format: String, count: Int) throws -> Summary {
        var summary = Summary(format: format)
        var next = 0
        while next < count, summary.found.count < Self.enough { next = try runChild(&summary, from: next, to: count) }
        return summary
    }

    /// Returns the number of the case to go on with.
    private func runChild(_ summary: inout Summary, from first: Int, to end: Int) throws -> Int {
        var descriptors: [Int32] = [0, 0]
        guard pipe(&descriptors) == 0 else { throw ChildProcess.Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
        let child = try ChildProcess(
            command(first, end - first), environment: ChildProcess.terse, output: .descriptor(descriptors[1]), errors: .file(errorsPath))
        close(descriptors[1])
        var lines = PipeLines(descriptor: descriptors[0])
        defer { close(descriptors[0]) }
        var (begun, done) = (first - 1, first - 1)
        while let line = lines.next(seconds: patience) {
            let parts = line.split(separator: " ", maxSplits: 5)
            guard parts.count > 1, let number = Int(parts[1]) else { continue }
            if parts[0] == "begin" {
                begun = number
            } else if parts[0] == "end", parts.count >= 5, let seconds = Double(parts[3]), let bytes = Int(parts[4]) {
                done = number
                switch parts[2] {
                case "read": summary.read += 1
                case "refused": summary.refused += 1
                default: summary.found.append(Found(number: number, what: parts.count > 5 ? String(parts[5]) : "no reason"))
                }
                if seconds > summary.slowest { (summary.slowest, summary.slowestCase) = (seconds, number) }
                if bytes > summary.largest { (summary.largest, summary.largestCase) = (bytes, number) }
                if summary.found.count >= Self.enough { child.send(SIGKILL) }
            }
        }
        let isSilent = !lines.isAtEnd
        if isSilent { child.send(SIGKILL) }
        let fate = child.wait(seconds: 5)
        if done == end - 1 || summary.found.count >= Self.enough { return end }
        guard begun > done else {
            throw ChildProcess.Failure(description: "the child for \(summary.format) ended between cases: \(fate); \(lastWords())")
        }
        let what = isSilent ? "nothing came of it in \(Int(patience)) s" : "the reader died: \(fate); \(lastWords())"
        summary.found.append(Found(number: begun, what: what))
        return begun + 1
    }

    private func lastWords() -> String {
        guard let file = fopen(errorsPath, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 2000)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").prefix(3).joined(separator: " ")
    }
}

/// The lines that come through a pipe.
private struct PipeLines {
    let descriptor: Int32
    /// The other side has closed it.
    private(set) var isAtEnd = false
    private var buffer: [UInt8] = []
    private var position = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The next line; nil at the end, or when none came in time.
    mutating func next(seconds: Double) -> String? {
        while true {
            if let end = buffer[position...].firstIndex(of: 0x0A) {
                defer { position = end + 1 }
                return String(decoding: buffer[position..<end], as: UTF8.self)
            }
            buffer.removeFirst(position)
            position = 0
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, Int32(seconds * 1000)) > 0 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else {
                isAtEnd = true
                return nil
            }
            buffer += chunk[..<count]
        }
    }
}
