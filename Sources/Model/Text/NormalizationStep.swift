/// What is done to a text before it is cut and merged.
enum NormalizationStep: Sendable, Equatable {
    /// Unicode's composed form (NFC).
    case compose
    /// Puts something in front of a text that is not empty.
    case prepend(ByteString)
    /// Replaces every occurrence of a text that is not empty.
    case replace(ByteString, with: ByteString)

    var isPrepending: Bool {
        if case .prepend = self { true } else { false }
    }

    /// The normalised text; nil when nothing changes.
    func apply(to text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        switch self {
        case .compose:
            return Composition.apply(to: text)
        case .prepend(let prefix):
            return text.isEmpty ? nil : prefix.bytes + text
        case .replace(" ", with: BlankMark.text):
            return BlankMark.marked(text)
        case .replace(let old, let new):
            guard let first = old.bytes.first else { return nil }
            var output: [UInt8] = []
            var position = 0
            while position < text.count {
                if text[position] == first, text[position...].starts(with: old.bytes) {
                    output += new.bytes
                    position += old.bytes.count
                } else {
                    output.append(text[position])
                    position += 1
                }
            }
            return output
        }
    }
}

extension [NormalizationStep] {
    /// Gives `body` the text after all steps; without a copy where none changes it.
    func apply(to text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var changed: [UInt8]?
        for step in self {
            if let text = changed {
                changed = text.withUnsafeBufferPointer { step.apply(to: $0) } ?? text
            } else {
                changed = step.apply(to: text)
            }
        }
        if let changed { changed.withUnsafeBufferPointer(body) } else { body(text) }
    }

    func apply(to text: ByteString) -> ByteString {
        var result: [UInt8] = []
        text.bytes.withUnsafeBufferPointer { text in apply(to: text) { result.append(contentsOf: $0) } }
        return ByteString(result)
    }
}
