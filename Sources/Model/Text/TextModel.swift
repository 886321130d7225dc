/// How a model's text becomes tokens: what of a model can be had without its weights.
package struct TextModel: Sendable {
    package let tokenizer: Tokenizer
    package let writtenTemplate: WrittenTemplate
    /// As the user named it.
    package let path: String

    /// Opens a folder with a tokenizer.json, a tokenizer.json itself, or a GGUF file.
    package static func open(_ path: String) throws(ModelFileError) -> TextModel {
        if MappedFile.isFolder(path) {
            let file = "\(path)/tokenizer.json"
            guard MappedFile.exists(file) else {
                throw .missing(path: path, field: "tokenizer.json", advice: "take it from the model's original folder")
            }
            return TextModel(
                tokenizer: try .load(json: file), writtenTemplate: try WrittenTemplate(folder: path), path: path)
        }
        guard MappedFile.exists(path) else {
            throw .missing(path: path, field: "the model", advice: "name a folder with a tokenizer.json, such a file, or a .gguf file")
        }
        if try isGGUF(path) {
            let fields = GGUFFields(try GGUFFile(path))
            return TextModel(
                tokenizer: try Tokenizer(gguf: fields), writtenTemplate: try WrittenTemplate(gguf: fields), path: path)
        }
        // Templates lie beside the tokenizer.
        let folder = path.contains("/") ? path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") : "."
        return TextModel(
            tokenizer: try .load(json: path), writtenTemplate: try WrittenTemplate(folder: folder.isEmpty ? "/" : folder),
            path: path)
    }

    /// The template that the setting `data.chat_template` chooses, where `auto` is the model's own.
    ///
    /// Throws where there is none or it is not known, and where the tokenizer lacks its markers.
    package func chatTemplate(setting: String) throws(ModelFileError) -> ChatTemplate {
        try writtenTemplate.template(setting: setting, for: tokenizer, path: path)
    }

    private static func isGGUF(_ path: String) throws(ModelFileError) -> Bool {
        let file = try MappedFile(path)
        return withExtendedLifetime(file) { file.bytes.starts(with: Array("GGUF".utf8)) }
    }
}
