internal import Foundation
internal import Processes

/// The path of this program.
var ownPath: String { URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path }

/// A command, run to its end or to a limit of time.
struct CapturedCommand {
    let end: ChildProcess.End
    let usage: ChildProcess.Usage
    let output, errors: String

    /// Throws where it cannot be started.
    init(_ words: [String], seconds: Double) throws(RunError) {
        // Files and not pipes: nobody has to read while it runs.
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-command-\(UUID().uuidString)").path
        let paths = [base + ".output", base + ".errors"]
        defer { paths.forEach { unlink($0) } }
        let child: ChildProcess
        do { child = try ChildProcess(words, output: .file(paths[0]), errors: .file(paths[1])) } catch {
            throw .missingInput(error.description)
        }
        end = child.wait(seconds: seconds)
        usage = child.usage
        func text(_ path: String) -> String { FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        (output, errors) = (text(paths[0]), text(paths[1]))
    }

    /// How it ended, for a sentence.
    var fate: String {
        switch end {
        case .exited(let status): "\(status)"
        case .killed(let signal): "signal \(signal)"
        case .overdue: "its time over"
        }
    }

    /// The first words of what it complained about, on one line.
    var said: String {
        let words = (errors.isEmpty ? output : errors).split(whereSeparator: \.isWhitespace).filter { !$0.allSatisfy { $0 == "-" } }
        return words.prefix(40).joined(separator: " ") + (words.count > 40 ? " …" : "")
    }
}
