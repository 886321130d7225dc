internal import Foundation
internal import Tensor

/// What the `BENCH_*` variables say: the settings that scripts measuring other tools on the same cases read too.
struct BenchSettings {
    /// The model, a Hugging Face folder or a .gguf file; empty where the suites need none.
    let model: String
    /// Those that are compared with one another.
    let models: [String]
    /// B, rows decoded together.
    let batches: [Int]
    /// Tokens of each row's prompt, and tokens generated after it.
    let prompt: Int
    let generated: Int
    /// Prompts of 512 tokens that are read together, one number per case of `decode`.
    let prefillRows: [Int]
    /// Of `train`: sequences and the tokens of each.
    let batch: Int
    let sequence: Int
    /// Of adapters.
    let rank: Int
    /// Whether `train` keeps the inputs of layers only and computes the rest again.
    let recomputes: Bool
    /// Of `gfn`: prompts of a step, responses to each, and steps that are measured.
    let prompts: Int
    let samples: Int
    let steps: Int
    /// M, K and N of the products of `limits`.
    let shapes: [[Int]]
    /// A folder that `limits` may write to; empty: none.
    let work: String
    /// .npy files of an adapter before and after a step, for `limits`.
    let adapters: (before: String, after: String)?
    /// MiB of the gradients of `mpi`, its samples at least, and the calls of each; nil: as many as 40 MiB take, at most 20.
    let sizes: [Int]
    let collectiveRepetitions: Int
    private let calls: Int?
    /// What `limits` measures, and what `decode` does.
    let limitParts: Set<String>
    let decodeParts: Set<String>
    /// In what numbers products are, where the command line does not say: of `decode` and `startup`, which take one after the other, and of
    /// the other suites.
    let formPrecisions: [Precision]
    let precision: Precision
    /// Samples per measurement; up to twice as many are taken where others use `cleanShare` of the machine or more.
    let repetitions: Int
    let cleanShare: Double
    let quiet: QuietMachine
    let threads: [Int]
    /// Text added to the variant of every line.
    let tag: String

    /// Of the largest case.
    var description: String {
        "\(batches.max() ?? 1) responses of \(generated) tokens to a prompt of \(prompt), \(threads.max() ?? 1) threads"
            + (tag.isEmpty ? "" : ", \(tag)")
    }

    /// Parts of `limits`, by the names that limits.py has for them. `peak` and `products` are this program's alone; `torch` is another
    /// program's.
    static let limitParts = ["peak", "mem", "products", "blas", "zstd", "torch", "disk"]
    static let decodeParts = ["prefill", "decode", "score", "shared"]
    /// Maps of SmolLM2-135M at several numbers of rows, and a large square.
    private static let usualShapes = [576, 1536, 49152].flatMap { n in [8, 64, 512, 2048].map { [$0, 576, n] } } + [[4096, 4096, 4096]]

    /// Calls of a collective operation on so many MiB that make one sample.
    func collectiveCalls(_ mebibytes: Int) -> Int { calls ?? max(1, min(20, 40 / mebibytes)) }

    /// Variables of scripts that measure other programs on a suite's cases, which say there what cannot be chosen here; and the values that
    /// are what is done here.
    private static let fixed: [(suites: Set<String>, name: String, values: Set<String>, reason: String)] = [
        (["gfn"], "BENCH_NATURAL", ["0"], "prompts of this suite are random tokens, to which no answer ends by itself"),
        (["train", "gfn"], "BENCH_ADAPTER", [], "an adapter is fp32 in the optimiser and bf16 in products"),
        (["train"], "BENCH_DUMP", [], "this suite writes no adapter, and `gfn-dist train` does"),
        (["decode"], "BENCH_KV", ["F32"], "keys and values are kept in fp32"),
        (["limits"], "BENCH_OPENBLAS", [], "the OpenBLAS that this program is linked with is measured"),
        (["limits"], "BENCH_ZSTD", [], "the zstd that this program is linked with is measured"),
    ]
    /// Those that name a list, of which only one is measured here.
    private static let single: [(suite: String, name: String, value: String, reason: String)] = [
        ("decode", "BENCH_SAMPLERS", "greedy", "the likeliest token is taken"),
        ("limits", "BENCH_ZSTD_LEVELS", "1", "weights are sent at this level"),
    ]

    /// The variant's name with the tag.
    func variant(_ name: String) -> String { tag.isEmpty ? name : "\(name) \(tag)" }

    /// Reads the variables; throws all their problems at once.
    ///
    /// - Parameters:
    ///   - model: as the command line names it, which goes before BENCH_GGUF.
    ///   - suites: that are to be measured.
    init(model: String?, suites: [String], environment: [String: String]) throws {
        let needsModel = suites.contains("decode")
        var problems: [String] = []
        func text(_ name: String) -> String { environment[name] ?? "" }
        func decimal(_ name: String, _ fallback: Double) -> Double {
            if text(name).isEmpty { return fallback }
            if let number = Double(text(name)), number >= 0, number.isFinite { return number }
            problems.append("environment variable \(name) is '\(text(name))', expected a number from 0")
            return fallback
        }
        func precisions(_ name: String) -> [Precision] {
            let words = Self.words(environment[name]), found = words.compactMap { Precision(rawValue: $0) }
            if found.count < words.count {
                let known = Precision.allCases.map(\.rawValue).joined(separator: " or ")
                problems.append("environment variable \(name) is '\(text(name))', expected \(known)")
            }
            return found.isEmpty ? [.bf16] : found
        }
        func numbers(_ name: String, _ fallback: [Int], _ range: ClosedRange<Int>) -> [Int] {
            let words = Self.words(environment[name])
            if words.isEmpty { return fallback }
            let numbers = words.compactMap { Int($0) }.filter(range.contains)
            if numbers.count < words.count {
                problems.append(
                    "environment variable \(name) is '\(text(name))', expected numbers from \(range.lowerBound) to \(range.upperBound)")
            }
            return numbers
        }
        func number(_ name: String, _ fallback: Int, _ range: ClosedRange<Int>) -> Int {
            let found = numbers(name, [fallback], range)
            if found.count > 1 { problems.append("environment variable \(name) has \(found.count) numbers, expected one") }
            return found.first ?? fallback
        }
        func parts(_ name: String, of known: [String]) -> Set<String> {
            let words = Self.words(environment[name])
            if let unknown = words.first(where: { !known.contains($0) }) {
                problems.append(
                    "environment variable \(name) has an unknown part '\(unknown)', expected some of \(known.joined(separator: ", "))")
            }
            return Set(words.isEmpty ? known : words)
        }
        func shapes(_ name: String) -> [[Int]] {
            let words = Self.words(environment[name])
            let shapes = words.map { $0.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 } }
            if shapes.contains(where: { $0.count != 3 || !$0.allSatisfy((1...1_000_000).contains) }) {
                problems.append(
                    "environment variable \(name) is '\(environment[name] ?? "")', "
                        + "expected shapes MxKxN of numbers from 1 to 1000000, as 8x576x1536")
            }
            return words.isEmpty ? Self.usualShapes : shapes
        }
        batches = numbers("BENCH_BATCHES", [1, 8, 32], 1...4096)
        prefillRows = numbers("BENCH_PREFILL_SEQS", [1], 1...4096)
        batch = number("BENCH_BATCH", 8, 1...4096)
        sequence = number("BENCH_SEQ", 256, 2...1_000_000)
        rank = number("BENCH_RANK", 16, 1...4096)
        recomputes = number("BENCH_CKPT", 0, 0...1) == 1
        prompts = number("BENCH_PROMPTS", 8, 1...4096)
        samples = number("BENCH_SAMPLES", 8, 1...4096)
        steps = number("BENCH_STEPS", 3, 1...10_000)
        self.shapes = shapes("BENCH_SHAPES")
        limitParts = parts("BENCH_PARTS", of: Self.limitParts)
        decodeParts = parts("BENCH_LPARTS", of: Self.decodeParts)
        if limitParts.contains("disk"), !text("BENCH_PARTS").isEmpty, text("BENCH_WORK").isEmpty, suites.contains("limits") {
            problems.append("environment variable BENCH_WORK is not set; it must name a folder to which the part disk may write")
        }
        work = text("BENCH_WORK")
        let (before, after) = (text("BENCH_LORA_A"), text("BENCH_LORA_B"))
        adapters = before.isEmpty || after.isEmpty ? nil : (before, after)
        if before.isEmpty != after.isEmpty, suites.contains("limits") {
            problems.append(
                "environment variable BENCH_LORA_\(before.isEmpty ? "A" : "B") is not set; BENCH_LORA_A and BENCH_LORA_B name "
                    + ".npy files of an adapter before and after a step")
        }
        sizes = numbers("BENCH_SIZES_MIB", [1, 20, 100], 1...1024)
        collectiveRepetitions = number("BENCH_COLL_REPS", 9, 1...10_000)
        let calls = number("BENCH_COLL_INNER", 0, 0...10_000)
        self.calls = calls == 0 ? nil : calls
        if suites.contains("gfn"), number("BENCH_MICRO", samples, 1...4096) != samples {
            problems.append(
                "environment variable BENCH_MICRO is '\(text("BENCH_MICRO"))', expected \(samples) as BENCH_SAMPLES says: "
                    + "a backward takes all answers to one prompt, which share its rows")
        }
        for (names, name, values, reason) in Self.fixed
        where !names.isDisjoint(with: suites) && !text(name).isEmpty && !values.contains(text(name)) {
            problems.append("environment variable \(name) is '\(text(name))', which this suite does not know: \(reason); unset it")
        }
        for (suite, name, value, reason) in Self.single where suites.contains(suite) && !text(name).isEmpty {
            if !Self.words(environment[name]).contains(value) {
                problems.append("environment variable \(name) is '\(text(name))', expected \(value) among them: \(reason)")
            }
        }
        formPrecisions = precisions("BENCH_DTYPES")
        let one = precisions("BENCH_DTYPE")
        if one.count > 1 { problems.append("environment variable BENCH_DTYPE has \(one.count) names, expected one") }
        precision = one[0]
        cleanShare = decimal("BENCH_CLEAN_SHARE", 0.08)
        quiet = QuietMachine(
            longest: decimal("BENCH_QUIET_S", 0), total: decimal("BENCH_QUIET_TOTAL_S", 300), share: decimal("BENCH_QUIET_SHARE", 0.08))
        prompt = number("BENCH_PROMPT", 128, 1...1_000_000)
        generated = number("BENCH_GEN", 128, 2...1_000_000)
        repetitions = number("BENCH_REPS", 5, 1...10_000)
        threads = numbers("BENCH_THREADS", [ProcessInfo.processInfo.activeProcessorCount], 1...1024)
        tag = environment["BENCH_TAG"] ?? ""
        self.model = model ?? environment["BENCH_GGUF"] ?? ""
        models = (environment["BENCH_MODELS"] ?? "").split(separator: " ").map(String.init)
        if self.model.isEmpty, needsModel {
            problems.append("environment variable BENCH_GGUF is not set; it must name the model's .gguf file, or give --model PATH")
        }
        guard problems.isEmpty else { throw RunError.configuration(problems.joined(separator: "\n")) }
        guard !needsModel || FileManager.default.fileExists(atPath: self.model) else {
            throw RunError.missingInput("model \(self.model) does not exist; name a Hugging Face folder or a .gguf file")
        }
        if let missing = models.first(where: { !FileManager.default.fileExists(atPath: $0) }) {
            throw RunError.missingInput(
                "model \(missing) of environment variable BENCH_MODELS does not exist; "
                    + "name Hugging Face folders or .gguf files, with spaces between")
        }
    }

    private static func words(_ text: String?) -> [String] { (text ?? "").split { $0 == " " || $0 == "," }.map(String.init) }
}
