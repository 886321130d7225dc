extension String {
    /// The text as a message may show it: what comes out of a file may be long, or made to drive a terminal.
    ///
    /// Control characters are written as escapes; of more than `limit` characters, the first and the last are shown.
    package func printable(limit: Int = 200) -> String {
        var text = self
        if utf8.count > limit, unicodeScalars.count > limit {
            let (front, back) = (unicodeScalars.prefix(limit * 3 / 4), unicodeScalars.suffix(limit / 4))
            text = "\(String(front))…\(String(back))"
        }
        // Controls, and the marks that turn the direction of what follows.
        guard text.unicodeScalars.contains(where: { $0.isUnprintable }) else { return text }
        return text.unicodeScalars.map { $0.isUnprintable ? "\\u{\(String($0.value, radix: 16))}" : String(Character($0)) }.joined()
    }
}

extension Unicode.Scalar {
    fileprivate var isUnprintable: Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
            || value == 0x2028 || value == 0x2029
    }
}
