internal import ArgumentParser
internal import CAllocationMeter
internal import Foundation
internal import Fuzzing

/// Damages files of every format that the program reads, and looks whether each is read rightly or refused.
@main
struct GFNFuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gfn-fuzz",
        abstract: "Reads damaged files of every format: each must be read rightly or refused, in time and within memory.",
        discussion: """
            A case follows from seed, format and number alone, as long as the corpus is the same. \
            Ends with 1 when a reader failed, and says how to repeat the case.
            """)

    @Option(name: .long, help: "Cases of each format.")
    var cases = 1000
    @Option(name: .long, help: "Of every random choice.")
    var seed: UInt64 = 1
    @Option(name: .long, help: ArgumentHelp("One of \(FormatCatalogue.names.joined(separator: ", ")); repeatable, otherwise all.", valueName: "name"))
    var format: [String] = []
    @Option(name: .long, help: ArgumentHelp("Folder with valid files to damage; repeatable.", valueName: "dir"))
    var corpus: [String] = []
    @Option(name: .long, parsing: .upToNextOption, help: ArgumentHelp("Run one case in this process: FORMAT SEED CASE.", valueName: "format seed case"))
    var replay: [String] = []
    @Option(name: .long, help: ArgumentHelp("With --replay: folder for the damaged files.", valueName: "dir"))
    var keep: String?
    @Option(name: .long, help: ArgumentHelp("Seconds without a word from a reader, after which it hangs.", visibility: .hidden))
    var patience = 15.0
    @Option(name: .long, help: ArgumentHelp("Seconds of computing that a reader may take.", visibility: .hidden))
    var timeLimit = CaseRunner.defaultTimeLimit
    @Option(name: .long, help: ArgumentHelp("The number that a child begins with.", visibility: .hidden))
    var first: Int?

    @Option(name: .long, help: ArgumentHelp("The folder of a child's files, which its parent removes, however the child ends.", visibility: .hidden))
    var scratch: String?

    func validate() throws {
        guard cases >= 1 else { throw ValidationError("--cases is \(cases), expected at least 1") }
        guard replay.isEmpty || replay.count == 3 && UInt64(replay[1]) != nil && Int(replay[2]) != nil else {
            throw ValidationError("--replay needs a format, a seed and the number of a case, for example: --replay gguf 1 17")
        }
        for name in format + replay.prefix(1) where !(FormatCatalogue.names + [FormatCatalogue.faults]).contains(name) {
            throw ValidationError("there is no format '\(name)'; expected one of \(FormatCatalogue.names.joined(separator: ", "))")
        }
    }

    func run() throws {
        if let first, let folder = self.scratch { return try work(from: first, in: folder) }
        let scratch = try ScratchFolder()
        if !replay.isEmpty {
            try replayCase(in: scratch.path)
        } else {
            try campaign(in: scratch.path)
        }
    }

    private static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()

    private func makeFormat(_ name: String, in scratch: String) throws -> any FuzzFormat {
        let program = Self.executable.deletingLastPathComponent().appendingPathComponent("gfn-dist").path
        let catalogue = FormatCatalogue(corpus: try Corpus(folders: corpus), scratch: scratch, program: program)
        guard let format = try catalogue.format(name) else { throw ValidationError("there is no format '\(name)'") }
        return format
    }

    private static let meter = CaseRunner.Meter(
        begin: { gfn_allocation_meter_begin() }, peak: { gfn_allocation_meter_peak() })

    // MARK: The child

    private func work(from first: Int, in scratch: String) throws {
        // A reader that asks for everything must not take the machine along.
        var memory = rlimit(rlim_cur: 16 << 30, rlim_max: 16 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &memory)
        var cores = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &cores)
        let runner = CaseRunner(try makeFormat(format[0], in: scratch), seed: seed, folder: "\(scratch)/case", timeLimit: timeLimit, meter: Self.meter)
        for number in first..<first + cases {
            Self.say("begin \(number)")
            let outcome = try runner.run(number)
            let (word, text) =
                switch outcome.verdict {
                case .read: ("read", "")
                case .refused: ("refused", "")
                case .failed(let what): ("failed", what)
                }
            Self.say("end \(number) \(word) \(outcome.seconds) \(outcome.peakBytes) \(text.split(whereSeparator: \.isNewline).joined(separator: " "))")
        }
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    // MARK: One case

    private func replayCase(in scratch: String) throws {
        guard let seed = UInt64(replay[1]), let number = Int(replay[2]) else { return }
        let runner = CaseRunner(try makeFormat(replay[0], in: scratch), seed: seed, folder: "\(scratch)/case", timeLimit: timeLimit, meter: Self.meter)
        let mutant = runner.mutant(number)
        for change in mutant.changes { Self.say(change) }
        if let keep {
            try write(mutant.files, to: keep)
            Self.say("the files are in \(keep)")
        }
        let outcome = try runner.run(number)
        Self.say("\(outcome.verdict), in \(outcome.seconds) s, with \(outcome.peakBytes) bytes for \(mutant.byteCount)")
        if case .failed = outcome.verdict { throw ExitCode(1) }
    }

    // MARK: The parent

    private func campaign(in scratch: String) throws {
        let names = format.isEmpty ? FormatCatalogue.names : format
        Self.say("corpus: \(try Corpus(folders: corpus).summary); seed \(seed), \(cases) cases of each format")
        Self.say(Self.row("format", "read", "refused", "failed", "slowest", "largest"))
        var failures = 0
        for name in names {
            let shared = corpus.flatMap { ["--corpus", $0] }
            let campaign = Campaign(errorsPath: "\(scratch)/errors", patience: patience) { first, count in
                [Self.executable.path, "--format", name, "--seed", "\(seed)", "--first", "\(first)", "--cases", "\(count)", "--time-limit", "\(timeLimit)", "--scratch", scratch] + shared
            }
            let summary = try campaign.run(name, count: cases)
            Self.say(
                Self.row(
                    name, "\(summary.read)", "\(summary.refused)", "\(summary.found.count)",
                    String(format: "%.0f ms (%d)", summary.slowest * 1000, summary.slowestCase),
                    String(format: "%.1f MB (%d)", Double(summary.largest) / 0x1p20, summary.largestCase)))
            for found in summary.found { Self.say("  \(name) \(seed) \(found.number): \(found.what)") }
            if summary.found.count >= Campaign.enough { Self.say("  not tried any further") }
            failures += summary.found.count
        }
        guard failures > 0 else { return }
        Self.say("repeat a case with: gfn-fuzz \(corpus.map { "--corpus \($0) " }.joined())--replay FORMAT SEED CASE --keep DIR")
        throw ExitCode(1)
    }

    private static func row(_ cells: String...) -> String {
        let widths = [12, 8, 9, 8, 16, 18]
        return zip(cells, widths).map { cell, width in
            let blanks = String(repeating: " ", count: max(0, width - cell.count))
            return width == widths[0] ? cell + blanks : blanks + cell
        }.joined()
    }
}
