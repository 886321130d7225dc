internal import Collective
internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// What all ranks of a process share and never change: the configuration, the base model, the tasks.
///
/// Ranks of one process (`--single`) use one workspace, so that the base is in memory once.
struct Workspace: Sendable {
    let configuration: RunConfiguration
    /// What is trained: the matrices of the adapter that the run starts from, or those that the configuration describes.
    let trainable: Trainable
    let base: BaseModel
    let basePath: String
    let files: ModelFiles?
    let training: any Task
    /// Nil when there is nothing to evaluate on.
    let evaluation: (any Task)?
    /// How many of its problems are evaluated: the first ones.
    let evaluationCount: Int
    let threads: Int
    /// The adapter that the run starts from, in the order of the layout; nil when it starts fresh.
    let startingBits: [UInt16]?
    /// What people should know about the model's files and the data.
    let notes: [String]

    /// Opens model and data.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ configuration: RunConfiguration, ranksOnNode: Int, needsGradients: Bool) throws {
        let requested = configuration.integer("threads")
        threads = requested > 0 ? requested : max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, ranksOnNode))
        let parallel = Parallel(threads: threads)

        if configuration.model == "random" {
            basePath = "random"
            files = nil
            base = try BaseModel(
                randomly: PathSum.modelConfiguration, seed: configuration.seed, precision: configuration.precision,
                gradients: needsGradients, parallel: parallel)
        } else {
            basePath = configuration.model.isEmpty ? EmbeddedResources.baseModelPath : configuration.model
            let opened = try ModelFiles.open(basePath)
            // Said now, not when the trained model is to be written.
            if needsGradients, configuration.trainable == .full { try opened.configuration.requireWritable(path: basePath) }
            files = opened
            base = try BaseModel(opened, precision: configuration.precision, gradients: needsGradients, parallel: parallel)
        }

        if configuration.usesEmbeddedTask {
            training = configuration.pathSum(.train)
            evaluation = configuration.pathSum(.heldOut)
            notes = files?.notes ?? []
        } else {
            guard let files else {
                throw RunError.badData("model \(basePath) has no tokenizer, and \(configuration.text("data.train")) is text")
            }
            let tokenizer = try files.requireTokenizer()
            let setting = configuration.text("data.chat_template")
            let template = try files.chatTemplate(setting: setting, for: tokenizer)
            let context = base.configuration.contextLength
            guard let ends = ResponseEnds(of: files, template: template) else {
                throw RunError.badData(
                    "model \(basePath) names no token that ends a response, expected eos_token_id in its configuration or a chat template")
            }
            var notes = files.notes + [template?.note, ends.note].compactMap { $0 }
            func task(_ path: String, maxExampleTokens: Int = .max, isJudged: Bool = true) throws -> WordProblems {
                let problems = try ProblemFile.read(path)
                let room = try Self.room(configuration, context: context)
                let task = WordProblems(
                    name: URL(fileURLWithPath: path).lastPathComponent, problems: problems, tokenizer: tokenizer,
                    chatTemplate: template, stopTokens: ends.stopTokens, taughtStop: ends.taught, maxNewTokens: room.answer,
                    maxPromptTokens: room.prompt, maxExampleTokens: maxExampleTokens)
                notes += try Self.notes(on: task, path, configuration)
                if isJudged { notes += try Self.notes(on: task.unreadGolds, path) }
                return task
            }
            training = try task(
                configuration.text("data.train"), maxExampleTokens: configuration.isSupervised ? context : .max,
                isJudged: !configuration.isSupervised)
            let path = configuration.text("data.evaluate")
            evaluation = path.isEmpty ? nil : try task(path)
            self.notes = notes
        }
        let path = configuration.text("adapter")
        if path.isEmpty {
            (self.configuration, trainable, startingBits) = (configuration, configuration.trainable, nil)
        } else {
            let adapter = try AdapterFolder.read(path, for: base.configuration)
            self.configuration = try configuration.taking(adapter.configuration, of: path)
            trainable = .lora(adapter.configuration)
            startingBits = roundToBFloat16(ParameterLayout(trainable, of: base.configuration).parameters(of: adapter.matrices))
        }
        let limit = configuration.integer("evaluate.problems")
        let count = evaluation?.problemCount ?? 0
        evaluationCount = limit == 0 ? count : min(limit, count)
    }

    /// A policy on the shared base, before it has adopted any parameters.
    func policy() -> Policy {
        let policy = Policy(base: base, trainable: trainable, parallel: Parallel(threads: threads))
        policy.stopTokens = training.stopTokens
        // A learner of a small model on a shared node: the base, its transpose and this stay below 2 GB.
        policy.activationBudget = 256 << 20
        return policy
    }

    /// How long prompts and answers may be, so that both have room in the context.
    private static func room(_ configuration: RunConfiguration, context: Int) throws -> (prompt: Int, answer: Int) {
        let wanted = (prompt: configuration.integer("data.max_prompt_tokens"), answer: configuration.integer("rollout.max_new_tokens"))
        let answer = wanted.answer > 0 ? wanted.answer : min(WordProblems.usualMaxNewTokens, context / 2)
        guard context > answer else {
            throw RunError.configuration(
                "the model's context of \(context) tokens has no room for a prompt beside an answer of \(answer); lower rollout.max_new_tokens")
        }
        return (wanted.prompt > 0 ? min(wanted.prompt, context - answer) : context - answer, answer)
    }

    /// What to say about problems whose gold answers are missing or cannot be read.
    private static func notes(on golds: UnreadGolds, _ path: String) throws(RunError) -> [String] {
        let advice = "end each answer with #### and the answer alone, or give it as the field answer"
        let missing = golds.missing(of: path)
        if let missing, golds.areAllMissing {
            throw .badData("\(missing), and no other problem is left to judge responses by; \(advice)")
        }
        return [
            missing.map { "\($0), so no response to them is right; \(advice)" },
            golds.unread(of: path).map { "\($0), so only the same text is right; write a number, an expression or words" },
        ].compactMap { $0 }
    }

    /// What to say about prompts and examples that were too long.
    private static func notes(on task: WordProblems, _ path: String, _ configuration: RunConfiguration) throws -> [String] {
        try [(task.longPrompts, "raise data.max_prompt_tokens"), (task.longExamples, "take a model with a longer context")]
            .filter { $0.0.count > 0 }
            .map { long, advice in
                guard configuration.text("data.long_prompts") == "skip" else {
                    throw RunError.badData(
                        "\(long.sentence(of: path)); shorten them, \(advice), or set data.long_prompts to skip")
                }
                guard task.problemCount > 0 else {
                    throw RunError.badData("\(long.sentence(of: path)), and no other problem is left; shorten them or \(advice)")
                }
                return "\(long.sentence(of: path)) and left out"
            }
    }
}
