internal import Foundation
internal import Problems

/// Writes the lines in their order, problem by problem, behind those that are there already.
///
/// A file that is gone on with must be of this very call: every line is recognised by its beginning, and the last problem's lines are
/// made again and compared. Only then is anything changed in it.
final class SampleWriter<Lines: ProblemLines> {
    /// The first problem to sample: the one of the last line that is there, or the first of all.
    let firstProblem: Int
    /// Lines that are there already.
    let linesThere: Int

    private let output: SampleOutput
    private let problemCount: Int
    /// The lines of `firstProblem` that are there.
    private let begun: [[UInt8]]
    /// Bytes of the lines that are there.
    private let length: Int
    private var isCompared = false

    init(_ output: SampleOutput, _ work: some LineWork) throws {
        (self.output, problemCount) = (output, work.problemCount)
        var (count, last, begun) = (0, 0, [[UInt8]]())
        var recognition = work.recognition()
        if case .file(let file) = output {
            length = try file.readLines { line in
                do {
                    let problem = try recognition.problem(of: line)
                    if problem != last { begun.removeAll() }
                    last = problem
                } catch let foreign as ForeignLine {
                    throw Self.foreign(file.path, line: count + 1, foreign.difference)
                }
                begun.append(line)
                count += 1
            }
        } else {
            length = 0
        }
        (linesThere, self.begun, firstProblem) = (count, begun, last)
    }

    /// Writes what is not there yet of the next problem's lines; all of it has been handed to the system when this returns.
    func write(_ problem: Lines) throws {
        guard isCompared else { return try writeFirst(problem.text) }
        try append(problem.text)
    }

    private func writeFirst(_ text: [UInt8]) throws {
        guard case .file(let file) = output else { return try start(text, in: nil) }
        var rest = text[...]
        for (index, line) in begun.enumerated() {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            guard rest[..<end] == line[...] else {
                throw Self.foreign(file.path, line: linesThere - begun.count + index + 1, "made again, the line is another one")
            }
            rest = rest[min(end + 1, rest.endIndex)...]
        }
        try start(Array(rest), in: file)
    }

    private func start(_ text: [UInt8], in file: PartialFile?) throws {
        isCompared = true
        try file?.cut(to: length)
        try append(text)
    }

    private func append(_ text: [UInt8]) throws {
        switch output {
        case .file(let file): try file.append(text)
        case .stream(let descriptor, let name):
            if let reason = writeAll(text, to: descriptor) { throw RunError.inputOutput("\(name) cannot be written: \(reason)") }
        }
    }

    /// Puts a file in its place.
    func finish() throws {
        if case .file(let file) = output { try file.finish() }
    }

    /// What to say to who stopped the call.
    func interrupted(after problems: Int) -> RunError {
        let place = "after problem \(problems) of \(problemCount)"
        guard case .file(let file) = output else {
            return .interrupted("a signal stopped the sampling \(place): with --output FILE, it could be gone on with by --resume")
        }
        return .interrupted("a signal stopped the sampling \(place), and \(file.path) has them: go on with the same call and --resume")
    }

    private static func foreign(_ path: String, line: Int, _ difference: String) -> RunError {
        .configuration(
            "\(path):\(line) is not what this call writes there (\(difference)): another model, other problems or other settings made it; "
                + "go on with those, or remove the file to begin anew")
    }
}
