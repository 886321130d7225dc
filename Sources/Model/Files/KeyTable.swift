/// What this program does with every key that a format is known to have: the source of a table in docs/models.md.
///
/// A key that the table lacks is harmless unless its name looks as if it changed numbers; then the file is refused.
package struct KeyTable: Sendable {
    package enum Treatment: Sendable, Equatable {
        /// Read, and followed in all its values or refused by name in those that are not supported.
        case honoured
        /// Changes nothing that this program computes.
        case harmless
        /// Refused unless it is absent, null or one of these values, with which it changes nothing. `advice`: what to do.
        case refused(unless: [JSONValue], advice: String)
    }

    package struct Entry: Sendable {
        /// The key; a last `*` stands for any ending.
        package let key: String
        package let treatment: Treatment
        /// What it means here, in a few words.
        package let note: String

        package init(_ key: String, _ treatment: Treatment, _ note: String) {
            self.key = key
            self.treatment = treatment
            self.note = note
        }
    }

    /// Every table, in the order of docs/models.md.
    package static var all: [KeyTable] { [configuration, rope, gguf, adapterConfiguration] }

    /// The format as the table's heading names it, for example "config.json".
    package let format: String
    package let entries: [Entry]
    /// Parts of names that make an unknown key of this format suspect.
    private let suspects: [String]

    package init(format: String, _ entries: [Entry], suspectParts: [String] = suspectParts) {
        self.format = format
        self.entries = entries
        suspects = suspectParts
    }

    /// Parts of names that make an unknown key suspect.
    package static let suspectParts = [
        "rope", "rotary", "scal", "factor", "bias", "norm", "cap", "clip", "init", "multiplier", "alpha", "window", "expert", "quant",
        "temperature", "attn", "attention", "embed", "activation", "logit", "theta", "freq", "residual", "softmax", "alibi", "sink", "moe",
    ]

    /// The entry of a key: that which names it whole, else the longest pattern.
    package func entry(of key: String) -> Entry? {
        entries.first { $0.key == key }
            ?? entries.filter { $0.key.hasSuffix("*") && key.hasPrefix($0.key.dropLast()) }.max { $0.key.utf8.count < $1.key.utf8.count }
    }

    /// Whether readers may ask for the key.
    func isHonoured(_ key: String) -> Bool { entry(of: key)?.treatment == .honoured }

    /// Throws for a key with this value if following the file without it would change numbers.
    ///
    /// The error names `prefix` and the key, or `field` where the file has another name than the table.
    func check(
        _ key: String, _ value: JSONValue, path: String, prefix: String = "", field: String? = nil
    ) throws(ModelFileError) {
        guard value != .null else { return }
        let field = field ?? prefix + key
        guard let entry = entry(of: key) else {
            let name = key.lowercased()
            guard let part = suspects.first(where: { name.contains($0) }) else { return }
            throw .unsupported(
                path: path, field: field,
                supported: "the keys listed in docs/models.md; remove this one if you know that it changes no numbers",
                found: "\(value.summary), and a key with \"\(part)\" in its name may change the model's numbers")
        }
        guard case .refused(let neutral, let advice) = entry.treatment, !neutral.contains(where: { $0.isSame(as: value) }) else { return }
        throw .unsupported(path: path, field: field, supported: advice, found: value.summary)
    }

    /// The table as docs/models.md has it, line by line.
    package var markdown: [String] {
        ["| key of `\(format)` | treatment | |", "|---|---|---|"]
            + entries.map { entry in
                let treatment =
                    switch entry.treatment {
                    case .honoured: "honoured"
                    case .harmless: "harmless"
                    case .refused(let neutral, _):
                        neutral.isEmpty
                            ? "refused"
                            : "refused unless "
                                + neutral.map { "`\(String(decoding: $0.encoded(indented: false), as: UTF8.self))`" }.joined(separator: ", ")
                    }
                let advice = if case .refused(_, let advice) = entry.treatment { "; supported: " + advice } else { "" }
                return "| `\(entry.key)` | \(treatment) | \(entry.note)\(advice) |"
            }
    }
}

extension JSONValue {
    /// Equal, where 1 and 1.0 are the same number.
    fileprivate func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.integer(let integer), .number(let number)), (.number(let number), .integer(let integer)): Double(integer) == number
        default: self == other
        }
    }
}
