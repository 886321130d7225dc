import Foundation
import Model
import Tensor

/// A real model with reference numbers beside it; its file, too large to keep, is named by the variable `GFN_SMOLLM2`.
struct RealModelCase {
    struct Facts: Decodable {
        let file: String
        let bytes: Int
    }
    struct Prompt: Decodable {
        let input_ids: [Int32]
        let top20_ids: [Int]
        let top20_logits: [Double]
        let logsumexp: Double
        let prompt_token_logprobs: [Double]
        let greedy_ids: [Int32]
        let greedy_margins: [Double]
    }
    struct Solution: Decodable {
        let source: String
        let line, n_tokens, n_prompt_tokens: Int
        let input_ids: [Int32]?
        let token_logprobs: [Double]
        let answer_logprob_sum: Double
    }
    struct Problem: Decodable {
        let question, answer: String
    }
    struct Step: Decodable {
        struct Optimizer: Decodable {
            let lr: Double
            let betas: [Double]
            let eps, weight_decay: Double
        }
        let losses_before_each_step_and_after, global_grad_norms: [Double]
        let optimizer: Optimizer
    }

    let folder: URL
    let model: ModelFiles

    /// Nil when the model's file is nowhere.
    init?(_ folder: URL) throws {
        let facts = try JSONDecoder().decode(Facts.self, from: Data(contentsOf: folder.appendingPathComponent("facts.json")))
        let named = ProcessInfo.processInfo.environment["GFN_SMOLLM2"].map { URL(fileURLWithPath: $0) }
        let places = [folder.appendingPathComponent(facts.file)] + [named].compactMap { $0 }
        guard let path = places.map(\.path).first(where: { Self.size($0) == facts.bytes }) else { return nil }
        self.folder = folder
        model = try ModelFiles.open(path)
    }

    private static func size(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }

    /// Whether there is one to test with.
    static let isThere = ((try? FixtureWalk.realModels()) ?? []).isEmpty == false

    func base(gradients: Bool = false, precision: Precision = .fp32) throws -> BaseModel {
        try BaseModel(model, precision: precision, gradients: gradients, parallel: parallel)
    }

    let parallel = Parallel(threads: 2)

    func prompts() throws -> [Prompt] { try jsonLines(Prompt.self, folder.appendingPathComponent("prompts.jsonl")) }

    /// Solutions with their tokens: those given, or the text's where its source is there.
    func solutions() throws -> [(solution: Solution, tokens: [Int32])] {
        let tokenizer = try model.requireTokenizer()
        var problems: [String: [Substring]] = [:]
        return try jsonLines(Solution.self, folder.appendingPathComponent("gsm8k_logprobs.jsonl")).compactMap { solution in
            if let ids = solution.input_ids { return (solution, ids) }
            let source = folder.appendingPathComponent("../../data/\(solution.source)").standardizedFileURL
            guard FileManager.default.fileExists(atPath: source.path) else { return nil }
            if problems[solution.source] == nil {
                problems[solution.source] = try String(contentsOf: source, encoding: .utf8).split(separator: "\n")
            }
            let line = Data((problems[solution.source] ?? [])[solution.line].utf8)
            let problem = try JSONDecoder().decode(Problem.self, from: line)
            return (solution, tokenizer.encode("Question: \(problem.question)\nAnswer: \(problem.answer)"))
        }
    }

    /// The batch, adapter, and results of three steps.
    func training() throws -> (step: Step, numbers: SafetensorsFile, groups: [TokenGroup], counted: [[Bool]]) {
        let step = try JSONDecoder().decode(Step.self, from: Data(contentsOf: folder.appendingPathComponent("lora_step.json")))
        let numbers = try SafetensorsFile(folder.appendingPathComponent("lora_step.safetensors").path)
        let ids = try numbers.integers(of: "input_ids"), mask = try numbers.integers(of: "attention_mask")
        let labels = try numbers.integers(of: "labels"), width = numbers.shape(of: "input_ids")?[1] ?? 1
        let rows = stride(from: 0, to: ids.count, by: width).map { start in (start..<start + width).filter { mask[$0] != 0 } }
        return (
            step, numbers,
            rows.map { row in TokenGroup(prompt: [Int32(ids[row[0]])], responses: [row.dropFirst().map { Int32(ids[$0]) }]) },
            rows.map { row in row.dropFirst().map { labels[$0] != -100 } }
        )
    }
}
