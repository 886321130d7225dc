/// A model as it lies on disk: its configuration, its weights, and how text becomes tokens.
package struct ModelFiles: Sendable {
    package let configuration: TransformerConfiguration
    package let weights: any WeightSource
    /// Nil when the folder has no tokenizer.json.
    package let tokenizer: Tokenizer?
    /// Nil when there is no template, or none that is known.
    package let chatTemplate: ChatTemplate?
    /// The folder or file, as the user named it.
    package let path: String

    package init(
        configuration: TransformerConfiguration, weights: any WeightSource, tokenizer: Tokenizer?,
        chatTemplate: ChatTemplate?, path: String
    ) {
        self.configuration = configuration
        self.weights = weights
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
        self.path = path
    }

    /// Opens a folder in Hugging Face's layout, or a GGUF file.
    package static func open(_ path: String) throws(ModelFileError) -> ModelFiles {
        throw .unsupported(path: path, field: "the file", supported: "nothing yet", found: "a model")
    }
}
