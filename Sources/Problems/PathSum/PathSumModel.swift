package import Model

extension PathSum {
    /// Shapes of a model of the embedded task, all in its tokens: of 0.1, 0.3, 0.8 and 4.8 million parameters.
    package enum ModelSize: String, Sendable, CaseIterable {
        case small
        case medium
        /// That of the base that ships.
        case base
        case large

        fileprivate var shape: (hidden: Int, intermediate: Int, layers: Int) {
            switch self {
            case .small: (64, 172, 2)
            case .medium: (96, 256, 3)
            case .base: (128, 344, 4)
            case .large: (256, 688, 6)
            }
        }
    }

    /// A Llama whose heads have 32 elements each.
    package static func modelConfiguration(_ size: ModelSize) -> TransformerConfiguration {
        let shape = size.shape
        return TransformerConfiguration(
            hiddenSize: shape.hidden, intermediateSize: shape.intermediate, layerCount: shape.layers, headCount: shape.hidden / 32,
            keyValueHeadCount: shape.hidden / 32, headSize: 32, vocabularySize: Vocabulary.count, contextLength: 64, tiedEmbeddings: false,
            beginToken: Vocabulary.begin, endTokens: [Vocabulary.stop])
    }

    /// The shape of the embedded base.
    package static let modelConfiguration = modelConfiguration(.base)
}
