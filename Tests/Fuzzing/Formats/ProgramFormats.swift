internal import Foundation
internal import Processes

/// Formats that the program itself reads: each case is a call of `gfn-dist`, judged by what a user sees of it.
private struct ProgramCall {
    let program: String
    /// Codes of CONTRACT: done, usage, bad data, missing input, configuration.
    private static let refusals: Set<Int32> = [64, 65, 66, 78]
    /// What it says of itself before any case, so that the memory of starting up does not count.
    let idleMemory: Int
    private static let memoryLimit = 64 << 20

    init(program: String) throws {
        self.program = program
        let scratch = try ScratchFolder()
        let child = try ChildProcess([program, "--version"], environment: ChildProcess.terse, errors: .file("\(scratch.path)/errors"))
        let end = child.wait(seconds: 20)
        guard end == .exited(0) else { throw BrokenInvariant("\(program) --version did not work: \(end)") }
        idleMemory = child.usage.peakMemory
    }

    struct Refusal: Error {}

    /// Runs it; throws `Refusal` when it refused as it should. `slack`: what a valid call takes beyond an idle one.
    func run(_ arguments: [String], in folder: String, byteCount: Int, slack: Int) throws -> String {
        let start = ContinuousClock.now
        let child = try ChildProcess(
            [program] + arguments, environment: ChildProcess.terse, output: .file("\(folder)/output"), errors: .file("\(folder)/errors"))
        let end = child.wait(seconds: 6)
        let memory = child.usage.peakMemory
        let seconds = Double(start.duration(to: .now).components.attoseconds) * 1e-18 + Double(start.duration(to: .now).components.seconds)
        let errors = String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/errors")), as: UTF8.self)
        if memory - idleMemory > byteCount + slack + Self.memoryLimit { throw BrokenInvariant("it took \(memory >> 20) MB") }
        // The machine may be busy; what counts as a hang is far more than what a case takes.
        if seconds > 4 { throw BrokenInvariant("it took \(seconds) s") }
        switch end {
        case .exited(0): return String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/output")), as: UTF8.self)
        case .exited(let code) where Self.refusals.contains(code):
            try BrokenInvariant.unless(!errors.isEmpty, "it ended with \(code) and said nothing")
            try BrokenInvariant.unless(
                errors.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A }, "its message has control characters: \(errors.debugDescription.prefix(300))")
            throw Refusal()
        default: throw BrokenInvariant("\(end): \(errors.suffix(600))")
        }
    }
}

/// Files of settings, in YAML.
struct SettingsFormat: FuzzFormat {
    let name = "settings"
    private let call: ProgramCall
    var measuresItself: Bool { true }
    private static let base = """
        # A run
        objective: sft
        model: "random"
        seed: 3
        train:
          steps: 20
          learning_rate: 1.0e-3
          prompts_per_step: 8
        rollout: {samples_per_prompt: 8, temperature: 1}
        lora:
          rank: 4
          targets: [q_proj, v_proj]
        reward:
          temperature: 0.5
        """
    private static let pieces = [
        "&a ", "*a", "&a [*a]", "<<: *a", "!!binary ", "!!set ", "!!int \"x\"", "? ", "? [a, b]\n: ", "- ", "| ", "|\n  a", ">-\n  b", "---\n", "...\n", "%YAML 1.2\n", "%TAG ! !\n",
        "{", "[", "}", "]", ",", ": ", "#", "'", "\"", "\\", "\t", "\0", "\u{85}", "\u{2028}", "\u{FEFF}", "~", "null", "yes", ".inf", ".nan", "-.inf", "0x7fffffffffffffff", "1e999", "0o17", "1_000",
        "9223372036854775808", "-1", "1e-400", "@", "`", "\"\\ud800\"", "\"\\x1b[31m\"", "train.steps: 3\n", "train: {steps: {steps: 3}}\n",
    ]

    init(program: String) throws { call = try ProgramCall(program: program) }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        if random.chance(0.03) {
            // References to references: each line doubles what the document amounts to.
            let depth = random.pick([3, 20, 30, 60])
            var text = "a0: &a0 [x, x]\n"
            for index in 1...depth { text += "a\(index): &a\(index) {l: *a\(index - 1), r: *a\(index - 1)}\n" }
            if random.chance(0.5) { text += "? *a\(depth)\n: 1\n" }
            return Mutant(files: ["run.yaml": Array(text.utf8)], changes: ["references nested \(depth) deep"])
        }
        if random.chance(0.03) {
            let depth = random.pick([10, 100, 1000, 10_000, 60_000]), piece = random.pick(["[", "{a: ", "- ", "? ", "{", "[[{"])
            return Mutant(files: ["run.yaml": Array(String(repeating: piece, count: depth).utf8)], changes: ["\(piece) \(depth) times"])
        }
        var lines = Self.base.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.utf8) }
        var changes: [String] = []
        for _ in 0..<random.length(atMost: 4) {
            let index = random.below(lines.count)
            switch random.below(6) {
            case 0: lines.insert(lines[random.below(lines.count)], at: index)
            case 1: lines[index] = Array(repeating: 0x20, count: random.below(5)) + lines[index]
            case 2: lines.remove(at: index); if lines.isEmpty { lines = [[]] }
            case 3, 4: lines[index].insert(contentsOf: Array(random.pick(Self.pieces).utf8), at: random.below(lines[index].count + 1))
            default: changes.append(ByteMutator(donors: lines).mutate(&lines[index], using: &random))
            }
            changes.append("line \(index + 1)")
        }
        return Mutant(files: ["run.yaml": Array(lines.joined(separator: [0x0A]))], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let output = try call.run(
            ["train", "--dry-run", "--config", "\(folder)/run.yaml"], in: folder, byteCount: mutant.byteCount, slack: 0)
        // What it says the settings are is a file of settings that says the same.
        try Data(output.utf8).write(to: URL(fileURLWithPath: "\(folder)/again.yaml"))
        let again: String
        do {
            again = try call.run(["train", "--dry-run", "--config", "\(folder)/again.yaml"], in: folder, byteCount: output.utf8.count, slack: 0)
        } catch is ProgramCall.Refusal { throw BrokenInvariant("the settings that it printed are refused") }
        func values(_ text: String) -> [Substring] { text.split(separator: "\n").map { $0.split(separator: "   #", maxSplits: 1)[0] } }
        try BrokenInvariant.unless(values(again) == values(output), "the settings that it printed are read as others")
    }

    func isRefusal(_ error: any Error) -> Bool { error is ProgramCall.Refusal }
}

/// The lines that `tokenize` reads, in its three modes.
struct TokenizeFormat: FuzzFormat {
    let name = "tokenize"
    private let call: ProgramCall
    private let tokenizer: String
    var measuresItself: Bool { true }
    private static let modes: [(flags: [String], input: String, lines: [String])] = [
        ([], "text", [#"{"text": "Hello, w\u00f6rld \ud83d\ude00 123"}"#, #"{"text": ""}"#, #"{"text": "<|im_end|> a", "extra": [1]}"#, ""]),
        (["--decode"], "ids", [#"{"ids": [1, 2, 3, 40, 5]}"#, #"{"ids": []}"#, #"{"ids": [0]}"#, ""]),
        (
            ["--chat", "--chat-template", "chatml"], "messages",
            [
                #"{"messages": [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]}"#,
                #"{"messages": [{"role": "system", "content": "<|im_end|>"}, {"role": "user", "content": ""}]}"#, "",
            ]
        ),
    ]

    /// - Parameter tokenizer: the path of a tokenizer.json.
    init(program: String, tokenizer: String) throws {
        call = try ProgramCall(program: program)
        self.tokenizer = tokenizer
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let mode = random.below(Self.modes.count)
        let (bytes, changes) = mutatedLines(Self.modes[mode].lines, using: &random)
        return Mutant(files: ["\(Self.modes[mode].input).jsonl": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        guard let mode = Self.modes.first(where: { mutant.files["\($0.input).jsonl"] != nil }) else { return }
        let output = try call.run(
            ["tokenize", "\(folder)/\(mode.input).jsonl", "--model", tokenizer, "--quiet"] + mode.flags, in: folder, byteCount: mutant.byteCount,
            slack: 16 << 20)
        try BrokenInvariant.unless(
            output.split(separator: "\n").count == lineCount(of: mutant.files["\(mode.input).jsonl"] ?? []), "not every line has an answer")
        // Ids that were given for a text stand for a text.
        if mode.flags.isEmpty {
            try Data(output.utf8).write(to: URL(fileURLWithPath: "\(folder)/again.jsonl"))
            do {
                _ = try call.run(
                    ["tokenize", "\(folder)/again.jsonl", "--model", tokenizer, "--quiet", "--decode"], in: folder, byteCount: output.utf8.count,
                    slack: 16 << 20)
            } catch is ProgramCall.Refusal { throw BrokenInvariant("the ids that it gave are refused") }
        }
    }

    func isRefusal(_ error: any Error) -> Bool { error is ProgramCall.Refusal }
}

/// The lines of JSON Lines that are not blank.
private func lineCount(of bytes: [UInt8]) -> Int {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    return text.split(separator: 0x0A).filter { $0.contains { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D } }.count
}

/// The lines that `score` reads.
struct ScoreFormat: FuzzFormat {
    let name = "score"
    private let call: ProgramCall
    private let model: String
    var measuresItself: Bool { true }
    private static let lines: [String] = [
        #"{"prompt": "1 + 1 =", "completion": " 2"}"#, #"{"prompt_tokens": [1, 2, 3], "completion_tokens": [4, 5]}"#,
        #"{"prompt": "a", "completion": ""}"#, #"{"problem_id": "x", "sample_index": 3, "prompt": "h\u00e9", "text": "b", "tokens": [7, 8, 9]}"#,
        #"{"problem_id": 4, "prompt_tokens": [1], "completion_tokens": [], "extra": {"a": [1, null]}}"#, "",
    ]

    /// - Parameter model: a folder with a small model.
    init(program: String, model: String) throws {
        call = try ProgramCall(program: program)
        self.model = model
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let (bytes, changes) = mutatedLines(Self.lines, using: &random)
        return Mutant(files: ["solutions.jsonl": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        // The model and its products need memory of their own.
        let output = try call.run(
            ["score", "\(folder)/solutions.jsonl", "--model", model, "--precision", "fp32", "--threads", "1", "--quiet"], in: folder,
            byteCount: mutant.byteCount, slack: 16 << 20)
        let asked = lineCount(of: mutant.files["solutions.jsonl"] ?? [])
        let answered = output.split(separator: "\n")
        try BrokenInvariant.unless(answered.count == asked, "\(asked) lines have \(answered.count) answers")
        for line in answered {
            let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let (tokens, scores, stops) = (fields?["completion_tokens"] as? [Any], fields?["logprobs"] as? [Double], fields?["stop_logprobs"] as? [Double])
            try BrokenInvariant.unless(
                tokens != nil && scores?.count == tokens?.count && stops?.count == (tokens?.count ?? 0) + 1, "the answer has not a score for each token: \(line.prefix(200))")
        }
    }

    func isRefusal(_ error: any Error) -> Bool { error is ProgramCall.Refusal }
}
