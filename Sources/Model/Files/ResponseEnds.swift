package import Tensor

/// Which tokens end a response of a model: all that its files name, and the one that closes a turn in its chat template.
package struct ResponseEnds: Sendable, Equatable {
    /// ⊤
    package let stopTokens: StopTokens
    /// The one that supervised fine-tuning teaches: the template's, else the first that the files name.
    package let taught: Int32
    /// What people should know, when the template closes turns with a token that the files do not name as an end.
    package let note: String?

    /// Nil when nothing names an end.
    ///
    /// - Parameter template: the chat template in use, whose markers the tokenizer has; nil for plain text.
    package init?(of files: ModelFiles, template: ChatTemplate?) {
        let named = files.configuration.endTokens
        let closing = template?.closingMarker.flatMap { files.tokenizer?.id(of: $0) }
        guard let taught = closing ?? named.first else { return nil }
        self.taught = taught
        stopTokens = StopTokens(named + [taught])
        if let closing, let marker = template?.closingMarker, !named.contains(closing) {
            let ids = named.map(String.init).joined(separator: ", ")
            let names = named.isEmpty ? "no end of a response" : "as end of a response only \(ids)"
            note = "the chat template closes a turn with \(marker) (token \(closing)), but the model's files name \(names): "
                + "it ends responses as well"
        } else {
            note = nil
        }
    }
}
