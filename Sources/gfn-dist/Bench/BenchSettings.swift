internal import Foundation

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
    /// What `limits` measures, and what `decode` does.
    let limitParts: Set<String>
    let decodeParts: Set<String>
    /// Samples per measurement.
    let repetitions: Int
    let threads: [Int]
    /// Text added to the variant of every line.
    let tag: String

    /// Of the largest case.
    var description: String {
        "\(batches.max() ?? 1) responses of \(generated) tokens to a prompt of \(prompt), \(threads.max() ?? 1) threads"
            + (tag.isEmpty ? "" : ", \(tag)")
    }

    /// Parts of `limits`, by the names that limits.py has for them. `peak` and `products` are this program's alone; `torch` and `disk` are
    /// other programs'.
    static let limitParts = ["peak", "mem", "products", "blas", "zstd", "torch", "disk"]
    static let decodeParts = ["prefill", "decode", "score", "shared"]
    /// Maps of SmolLM2-135M at several numbers of rows, and a large square.
    private static let usualShapes = [576, 1536, 49152].flatMap { n in [8, 64, 512, 2048].map { [$0, 576, n] } } + [[4096, 4096, 4096]]

    /// The variant's name with the tag.
    func variant(_ name: String) -> String { tag.isEmpty ? name : "\(name) \(tag)" }

    /// Reads the variables; throws all their problems at once.
    ///
    /// - Parameters:
    ///   - model: as the command line names it, which goes before BENCH_GGUF.
    ///   - needsModel: whether some suite does.
    init(model: String?, needsModel: Bool, environment: [String: String]) throws {
        var problems: [String] = []
        func numbers(_ name: String, _ fallback: [Int], _ range: ClosedRange<Int>) -> [Int] {
            let words = Self.words(environment[name])
            if words.isEmpty { return fallback }
            let numbers = words.compactMap { Int($0) }.filter(range.contains)
            if numbers.count < words.count {
                problems.append(
                    "environment variable \(name) is '\(environment[name] ?? "")', expected numbers from \(range.lowerBound) to \(range.upperBound)")
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
                "model \(missing) of environment variable BENCH_MODELS does not exist; name Hugging Face folders or .gguf files, with spaces between")
        }
    }

    private static func words(_ text: String?) -> [String] { (text ?? "").split { $0 == " " || $0 == "," }.map(String.init) }
}
