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

    /// Reads the variables; throws all their problems at once.
    ///
    /// - Parameters:
    ///   - model: as the command line names it, which goes before BENCH_GGUF.
    ///   - needsModel: whether some suite does.
    init(model: String?, needsModel: Bool, environment: [String: String]) throws {
        var problems: [String] = []
        func numbers(_ name: String, _ fallback: [Int], _ range: ClosedRange<Int>) -> [Int] {
            let words = (environment[name] ?? "").split { $0 == " " || $0 == "," }
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
        batches = numbers("BENCH_BATCHES", [1, 8, 32], 1...4096)
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
}
