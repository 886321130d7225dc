internal import Foundation
internal import Model

/// One line of what `score` reads, as tokens.
struct ScoreRequest: Sendable {
    /// What a line says about itself, given back beside its scores.
    enum Identifier: Sendable, Equatable {
        case number(Int)
        case text(String)
    }

    let line: Int
    let problem: Identifier?
    let sample: Int?
    /// At least one token.
    let prompt: [Int32]
    /// May be empty.
    let completion: [Int32]

    /// Reads `{prompt, completion}`, `{prompt_tokens, completion_tokens}`, or a line of a samples file (`text`, `tokens`).
    /// Ids are taken before text, because they are the record of what was sampled.
    init(_ bytes: [UInt8], line: Int, of file: String, for model: ModelFiles) throws {
        let place = "\(file):\(line)"
        let fields = try Self.decode(bytes, place)
        self.line = line
        problem = fields.problem_id
        sample = fields.sample_index
        func tokens(_ name: String, _ ids: [Int]?) throws -> [Int32]? {
            guard let ids else { return nil }
            let count = model.configuration.vocabularySize
            if let id = ids.first(where: { !(0..<count).contains($0) }) {
                throw RunError.badData("\(place): \(name) holds \(id), expected ids from 0 to \(count - 1), which are the model's; was another model meant?")
            }
            return ids.map(Int32.init)
        }
        let promptIds = try tokens("prompt_tokens", fields.prompt_tokens)
        let completionIds = try tokens("completion_tokens", fields.completion_tokens) ?? tokens("tokens", fields.tokens)
        let (prompt, completion): ([Int32], [Int32])
        switch (promptIds, fields.prompt, completionIds, fields.completion ?? fields.text) {
        case (let ids?, _, let continuation?, _): (prompt, completion) = (ids, continuation)
        case (let ids?, _, nil, let text?): (prompt, completion) = (ids, try model.requireTokenizer().encode(text, after: ids))
        case (nil, let text?, let continuation?, _):
            let tokenizer = try model.requireTokenizer()
            (prompt, completion) = (tokenizer.begun(tokenizer.encode(text)), continuation)
        case (nil, let text?, nil, let continuation?):
            let tokenizer = try model.requireTokenizer()
            let both = tokenizer.encode(prompt: text, completion: continuation)
            (prompt, completion) = (tokenizer.begun(both.prompt), both.completion)
        default:
            throw RunError.badData(
                "\(place) has no \(fields.prompt == nil && fields.prompt_tokens == nil ? "prompt" : "completion"); "
                    + "expected prompt and completion as text, or prompt_tokens and completion_tokens")
        }
        guard !prompt.isEmpty else {
            throw RunError.badData("\(place): the prompt has no tokens, expected at least one; begin with the model's begin or end token where there is no prompt")
        }
        let (length, limit) = (prompt.count + completion.count, model.configuration.contextLength)
        guard length <= limit else {
            throw RunError.badData(
                "\(place): prompt and completion have \(prompt.count) + \(completion.count) tokens, but the context of \(model.path) is \(limit); shorten the line or leave it out")
        }
        self.prompt = prompt
        self.completion = completion
    }

    private struct Fields: Decodable {
        let prompt, completion, text: String?
        let prompt_tokens, completion_tokens, tokens: [Int]?
        let problem_id: Identifier?
        let sample_index: Int?
    }

    private static func decode(_ bytes: [UInt8], _ place: String) throws(RunError) -> Fields {
        do {
            return try JSONDecoder().decode(Fields.self, from: Data(bytes))
        } catch DecodingError.typeMismatch(let type, let context) where !context.codingPath.isEmpty {
            let field = context.codingPath[0].stringValue
            throw .badData("\(place): \(field) is of another type, expected \(field.hasSuffix("tokens") ? "a list of token ids" : type == Int.self ? "an integer" : "a text")")
        } catch {
            throw .badData("\(place) is not a JSON object; each line is one, with prompt and completion")
        }
    }
}

extension ScoreRequest.Identifier: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = if let number = try? container.decode(Int.self) { .number(number) } else { .text(try container.decode(String.self)) }
    }
}
