internal import Model
internal import Tensor

/// How the texts of a list become tokens of a model.
struct ListEncoding: Sendable {
    let tokenizer: Tokenizer
    /// What stands before a prompt: what the tokenizer puts there, or else the token that the model's configuration names.
    let begin: [Int32]
    let stopTokens: StopTokens
    let contextLength: Int

    init(_ tokenizer: Tokenizer, beginToken: Int32?, stopTokens: StopTokens, contextLength: Int) {
        (self.tokenizer, self.stopTokens, self.contextLength) = (tokenizer, stopTokens, contextLength)
        begin = tokenizer.beginTokens.isEmpty ? beginToken.map { [$0] } ?? [] : tokenizer.beginTokens
    }

    /// A text behind a prompt, by itself: no token of it depends on what the prompt ends with.
    func tokens(of text: String) -> [Int32] { tokenizer.encode(text, parsingSpecialTokens: false, place: .continuation) }

    func tokens(ofPrompt text: String, place: String) throws(EnumerableTaskError) -> [Int32] {
        let tokens = begin + tokenizer.encode(text, parsingSpecialTokens: false)
        guard gives(text, tokens) else { throw unknown("prompt", text, place) }
        return tokens
    }

    func tokens(ofEnd text: String, behind prompt: [Int32], place: String) throws(EnumerableTaskError) -> [Int32] {
        let tokens = tokens(of: text)
        guard gives(text, prompt + tokens) else { throw unknown("end", text, place) }
        if let stop = tokens.first(where: stopTokens.contains) {
            throw EnumerableTaskError(
                place, "the end \(text.quoted) holds token \(stop), which ends a response of this model, expected a text without it")
        }
        return tokens
    }

    /// Whether the text that the tokens stand for ends in this one: a vocabulary need not have every text, and what it lacks is lost.
    private func gives(_ text: String, _ tokens: [Int32]) -> Bool {
        tokenizer.bytes(of: tokens).suffix(text.utf8.count).elementsEqual(text.utf8)
    }

    private func unknown(_ kind: String, _ text: String, _ place: String) -> EnumerableTaskError {
        EnumerableTaskError(
            place,
            "the model's tokenizer has no tokens for the \(kind) \(text.quoted), expected one that it can give back")
    }
}
