internal import Foundation

/// Unicode's composed form as Hugging Face's library makes it: with the tables of Unicode 9, so that characters
/// that came later are neither ordered nor composed.
enum Composition {
    /// Foundation's time is worse than linear in the length where much changes, so it gets the text in parts.
    private static let partBytes = 256

    /// The composed text; nil when nothing changes.
    static func apply(to text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard mayChange(text[...]) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        func append(_ part: Range<Int>) {
            if mayChange(text[part]) {
                output += String(decoding: text[part], as: UTF8.self).precomposedStringWithCanonicalMapping.utf8
            } else {
                output += text[part]
            }
        }
        var (start, position) = (0, 0)
        while position < text.count {
            let length = text.utf8Length(at: position)
            let value = length == 1 ? UInt32(text[position]) : text.scalar(at: position, length: length)
            if isNewer(value) {
                append(start..<position)
                output += text[position..<position + length]
                start = position + length
            } else if position - start >= partBytes, standsAlone(value) {
                append(start..<position)
                start = position
            }
            position += length
        }
        append(start..<text.count)
        return output
    }

    /// Nothing below U+0300 combines.
    private static func mayChange(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool { text.contains { $0 >= 0xCC } }

    /// Whether a character never combines with what is before it; not all such are known.
    private static func standsAlone(_ value: UInt32) -> Bool {
        if value < 0x80 { return true }
        // Vowels and finals of Hangul are letters that combine.
        guard !(0x1160...0x11FF).contains(value), let properties = Unicode.Scalar(value)?.properties else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return false
        default: return properties.canonicalCombiningClass == .notReordered
        }
    }

    private static func isNewer(_ value: UInt32) -> Bool {
        switch value {
        // Nothing in these ranges that came later combines.
        case ..<0x7FD, 0x2000..<0xA800, 0xAC00..<0x10000: return false
        default:
            guard let age = Unicode.Scalar(value)?.properties.age else { return false }
            return age.major > 9
        }
    }
}
