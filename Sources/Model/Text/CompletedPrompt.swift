/// A prompt and the completion that continues it, as tokens.
package struct CompletedPrompt: Sendable, Equatable {
    package var prompt: [Int32]
    package var completion: [Int32]
}

extension Tokenizer {
    /// The tokens of a prompt and of the completion that continues it.
    ///
    /// They are those of the whole text, cut between the two, wherever a token ends there. Where one reaches over the cut (a
    /// blank at the prompt's end, a number in two parts), the prompt has the tokens that it has alone, since that is what a
    /// model is asked with, and the completion those of the text that is left. O(n).
    package func encode(
        prompt: String, completion: String, parsingSpecialTokens: Bool = true, place: Place = .beginning
    ) -> CompletedPrompt {
        let ids = encode(prompt, parsingSpecialTokens: parsingSpecialTokens, place: place)
        if completion.isEmpty { return CompletedPrompt(prompt: ids, completion: []) }
        let whole = encode(prompt + completion, parsingSpecialTokens: parsingSpecialTokens, place: place)
        if whole.starts(with: ids) { return CompletedPrompt(prompt: ids, completion: Array(whole[ids.count...])) }
        let rest = encode(completion, parsingSpecialTokens: parsingSpecialTokens, place: .continuation)
        return CompletedPrompt(prompt: ids, completion: rest)
    }

    /// The tokens of a text that continues a prompt of which only the tokens are known.
    package func encode(_ completion: String, after prompt: [Int32], parsingSpecialTokens: Bool = true) -> [Int32] {
        guard let last = prompt.last, prompt != beginTokens else { return encode(completion, parsingSpecialTokens: parsingSpecialTokens) }
        return encode(
            completion, parsingSpecialTokens: parsingSpecialTokens, place: isAdded(last) ? .afterToken : .continuation)
    }

    /// With what the file's post-processor puts before a text, unless the text has written it itself.
    package func begun(_ ids: [Int32]) -> [Int32] { ids.starts(with: beginTokens) ? ids : beginTokens + ids }
}
