/// Byte-level byte-pair encoding, as Hugging Face's tokenizers library does it.
package final class Tokenizer: Sendable {
    package let vocabularySize: Int
    init(vocabularySize: Int) { self.vocabularySize = vocabularySize }
    package func encode(_ text: String, addingSpecialTokens: Bool = false, parsingSpecialTokens: Bool = true) -> [Int32] { [] }
    package func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String { "" }
    package func id(of token: String) -> Int32? { nil }
}
