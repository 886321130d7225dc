/// How a model's text becomes tokens: what of a model can be had without its weights.
package struct TextModel: Sendable {
    package let tokenizer: Tokenizer
    /// The template as the model's author wrote it; nil when there is none.
    package let chatTemplateText: String?
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
                tokenizer: try .load(json: file), chatTemplateText: try ModelFiles.chatTemplateText(folder: path), path: path)
        }
        guard MappedFile.exists(path) else {
            throw .missing(path: path, field: "the model", advice: "name a folder with a tokenizer.json, such a file, or a .gguf file")
        }
        if try isGGUF(path) {
            let fields = GGUFFields(try GGUFFile(path))
            return TextModel(
                tokenizer: try Tokenizer(gguf: fields), chatTemplateText: try fields.optionalString("tokenizer.chat_template"), path: path)
        }
        // Templates lie beside the tokenizer.
        let folder = path.contains("/") ? path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") : "."
        return TextModel(
            tokenizer: try .load(json: path), chatTemplateText: try ModelFiles.chatTemplateText(folder: folder.isEmpty ? "/" : folder),
            path: path)
    }

    /// The template, or an error that says what to set when it is not known.
    package func requireChatTemplate() throws(ModelFileError) -> ChatTemplate { try .require(chatTemplateText, of: path) }

    private static func isGGUF(_ path: String) throws(ModelFileError) -> Bool {
        let file = try MappedFile(path)
        return withExtendedLifetime(file) { file.bytes.starts(with: Array("GGUF".utf8)) }
    }
}
