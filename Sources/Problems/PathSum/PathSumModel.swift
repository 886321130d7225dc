package import Model

extension PathSum {
    /// The shape of the embedded base: a Llama of about 0.8 million parameters.
    package static let modelConfiguration = TransformerConfiguration(
        hiddenSize: 128, intermediateSize: 344, layerCount: 4, headCount: 4, keyValueHeadCount: 4, headSize: 32,
        vocabularySize: Vocabulary.count, contextLength: 64, tiedEmbeddings: false, beginToken: Vocabulary.begin,
        endTokens: [Vocabulary.stop])
}
