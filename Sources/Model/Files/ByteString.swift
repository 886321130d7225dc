/// Text compared byte by byte.
///
/// Swift's `String` compares by canonical equivalence ("\u{e9}" equals "e\u{301}"), which would merge distinct tokens
/// and keys; file formats mean bytes.
package struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(stringLiteral text: String) { bytes = Array(text.utf8) }

    /// The text, with invalid UTF-8 replaced.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
