/// What `tokenize` does with a line.
enum TokenizeMode: Sendable {
    /// `{text}` to `{ids}`.
    case encode(addingSpecial: Bool, parsingSpecial: Bool)
    /// `{ids}` to `{text}`.
    case decode(skippingSpecial: Bool)
    /// `{messages}` to `{text, ids}`.
    case chat(addingPrompt: Bool, parsingSpecial: Bool)
}
