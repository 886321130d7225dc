/// A model as it lies on disk: its configuration, its weights, and how text becomes tokens.
package struct ModelFiles: Sendable {
    package let configuration: TransformerConfiguration
    package let weights: any WeightSource
    /// Nil when the folder has no tokenizer.json, or one of a kind that is not supported.
    package let tokenizer: Tokenizer?
    /// Why there is no tokenizer although the folder has a tokenizer.json.
    package let tokenizerProblem: ModelFileError?
    package let writtenTemplate: WrittenTemplate
    /// What people should know of how the files were read, one sentence each.
    package let notes: [String]
    /// The folder or file, as the user named it.
    package let path: String

    package init(
        configuration: TransformerConfiguration, weights: any WeightSource, tokenizer: Tokenizer?,
        tokenizerProblem: ModelFileError? = nil, writtenTemplate: WrittenTemplate = .none, notes: [String] = [], path: String
    ) {
        self.configuration = configuration
        self.weights = weights
        self.tokenizer = tokenizer
        self.tokenizerProblem = tokenizerProblem
        self.writtenTemplate = writtenTemplate
        self.notes = notes
        self.path = path
    }

    /// Opens a folder in Hugging Face's layout, or a GGUF file.
    ///
    /// Every tensor is there in the right shape when this returns; the values are checked as they are read.
    package static func open(_ path: String) throws(ModelFileError) -> ModelFiles {
        if MappedFile.isFolder(path) { return try openFolder(path) }
        guard MappedFile.exists(path) else {
            throw .missing(path: path, field: "the model", advice: "name a folder with config.json and model.safetensors, or a .gguf file")
        }
        return try openGGUF(path)
    }

    /// The tokenizer, or the reason why there is none.
    package func requireTokenizer() throws(ModelFileError) -> Tokenizer {
        if let tokenizer { return tokenizer }
        throw tokenizerProblem
            ?? .missing(path: path, field: "tokenizer.json", advice: "take it from the model's original folder")
    }

    /// The template for conversations that the setting `data.chat_template` chooses; nil for `auto` where the model has none.
    ///
    /// Throws where the model's own is not known, and where the tokenizer lacks its markers.
    package func chatTemplate(setting: String, for tokenizer: Tokenizer) throws(ModelFileError) -> ChatTemplate? {
        if setting == "auto", writtenTemplate == .none { return nil }
        return try writtenTemplate.template(setting: setting, for: tokenizer, path: path)
    }

    private static func openGGUF(_ path: String) throws(ModelFileError) -> ModelFiles {
        let model = try GGUFModel(path)
        let fields = GGUFFields(model.file)
        let tokenizer = try Tokenizer(gguf: fields, vocabularySize: model.configuration.vocabularySize)
        return ModelFiles(
            configuration: model.configuration, weights: model, tokenizer: tokenizer,
            writtenTemplate: try WrittenTemplate(gguf: fields), path: path)
    }

    private static func openFolder(_ folder: String) throws(ModelFileError) -> ModelFiles {
        var notes: [String] = []
        let configuration = try ConfigurationFile.read(folder: folder, notes: &notes)
        let weights = try checkedWeights(folder: folder, configuration, notes: &notes)
        // A task may need no text, so a tokenizer of another kind is no reason to refuse the model; a broken one is.
        var tokenizer: Tokenizer?
        var problem: ModelFileError?
        let tokenizerPath = "\(folder)/tokenizer.json"
        if MappedFile.exists(tokenizerPath) {
            do throws(ModelFileError) {
                tokenizer = try Tokenizer.load(json: tokenizerPath)
            } catch .unsupported(let path, let field, let supported, let found) {
                problem = .unsupported(path: path, field: field, supported: supported, found: found)
            }
        }
        if let count = tokenizer?.vocabularySize, count > configuration.vocabularySize {
            throw .malformed(
                path: tokenizerPath, field: "the vocabulary", expected: "at most \(configuration.vocabularySize) tokens, as config.json says",
                found: "\(count) tokens")
        }
        return ModelFiles(
            configuration: configuration, weights: weights, tokenizer: tokenizer, tokenizerProblem: problem,
            writtenTemplate: try WrittenTemplate(folder: folder), notes: notes, path: folder)
    }

    private static func checkedWeights(
        folder: String, _ configuration: TransformerConfiguration, notes: inout [String]
    ) throws(ModelFileError) -> SafetensorsCheckpoint {
        var weights = try SafetensorsCheckpoint(folder: folder)
        if let note = SafetensorsCheckpoint.note(folder: folder) { notes.append(note) }
        let (embedding, head) = ("model.embed_tokens.weight", "lm_head.weight")
        if configuration.tiedEmbeddings, weights.shape(of: head) != nil {
            guard weights.areIdentical(embedding, head) else {
                throw .malformed(
                    path: folder, field: "tensor \(head)", expected: "equal to \(embedding), as tie_word_embeddings is true",
                    found: "a different matrix")
            }
            weights = weights.leavingOut(head)
        }
        var known = Set<String>()
        for (name, shape) in configuration.tensorShapes {
            guard let found = weights.shape(of: name) else {
                throw .missing(path: folder, field: "tensor \(name)", advice: "the weights do not fit config.json")
            }
            guard found == shape else { throw .shape(path: folder, tensor: name, expected: shape, found: found) }
            known.insert(name)
        }
        // Old checkpoints store the rotary frequencies, which follow from the configuration.
        if let stranger = weights.names.first(where: { !known.contains($0) && !$0.hasSuffix("rotary_emb.inv_freq") }) {
            throw .unsupported(
                path: folder, field: "tensor \(stranger)", supported: "the tensors that config.json implies", found: "an extra tensor")
        }
        return weights
    }
}
