internal import Foundation
internal import Model
internal import Problems

/// How files of problems become tasks for a model: with its tokenizer, its template, and the room that its context leaves.
struct TaskOpening {
    let ends: ResponseEnds
    /// What people should know of how the model's conversations are written.
    let notes: [String]
    private let files: ModelFiles
    let tokenizer: Tokenizer
    private let template: ChatTemplate?
    private let configuration: RunConfiguration

    init(_ files: ModelFiles, _ configuration: RunConfiguration) throws {
        self.files = files
        self.configuration = configuration
        tokenizer = try files.requireTokenizer()
        template = try files.chatTemplate(setting: configuration.text("data.chat_template"), for: tokenizer)
        guard let ends = ResponseEnds(of: files, template: template) else {
            throw RunError.badData(
                "model \(files.path) names no token that ends a response, expected eos_token_id in its configuration or a chat template")
        }
        self.ends = ends
        notes = [template?.note, ends.note].compactMap { $0 }
    }

    /// How prompts are written.
    var templateName: String { (template ?? .plain).name }

    /// What a file holds.
    enum Kind { case problems, preferences }

    /// Opens a file of problems and adds to `notes` what people should know of it.
    /// - Parameters:
    ///   - maxExampleTokens: problems that are longer together with their solutions are left out.
    ///   - isJudged: whether responses will be compared with the file's answers.
    func task(
        _ path: String, of kind: Kind = .problems, maxExampleTokens: Int = .max, isJudged: Bool = true, notes: inout [String]
    ) throws -> WordProblems {
        let problems = try kind == .problems ? ProblemFile.read(path) : PreferenceFile.problems(path)
        let room = try room()
        let task = WordProblems(
            name: URL(fileURLWithPath: path).lastPathComponent, problems: problems, tokenizer: tokenizer,
            chatTemplate: template, stopTokens: ends.stopTokens, taughtStop: ends.taught, maxNewTokens: room.answer,
            maxPromptTokens: room.prompt, maxExampleTokens: maxExampleTokens)
        notes += try self.notes(on: task, path)
        if isJudged { notes += try Self.notes(on: task.unreadGolds, path) }
        return task
    }

    /// How long prompts and answers may be, so that both have room in the context.
    private func room() throws -> (prompt: Int, answer: Int) {
        let context = files.configuration.contextLength
        let answer = configuration.optionalInteger("rollout.max_new_tokens") ?? min(WordProblems.usualMaxNewTokens, context / 2)
        guard context > answer else {
            throw RunError.configuration(
                "the model's context of \(context) tokens has no room for a prompt beside an answer of \(answer); lower rollout.max_new_tokens")
        }
        let room = context - answer
        return (configuration.optionalInteger("data.max_prompt_tokens").map { min($0, room) } ?? room, answer)
    }

    /// What to say about problems whose gold answers are missing or cannot be read.
    static func notes(on golds: UnreadGolds, _ path: String) throws(RunError) -> [String] {
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
    private func notes(on task: WordProblems, _ path: String) throws -> [String] {
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
