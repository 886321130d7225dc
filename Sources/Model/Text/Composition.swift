#if canImport(Darwin)
internal import Foundation
#else
// Foundation outside of Apple's systems composes U+10041 and U+0301 to "Á" (it drops the upper bits), and takes time that is
// worse than linear; the standard library does neither, and offers its composed form to libraries by this name.
@_spi(_Unicode) internal import Swift
#endif

/// Unicode's composed form as Hugging Face's library makes it: with the tables of Unicode 9, so that characters
/// that came later are neither ordered nor composed.
enum Composition {
    /// The composed text; nil when nothing changes.
    static func apply(to text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        // Nothing below U+0300 combines.
        guard text.contains(where: { $0 >= 0xCC }) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var (start, position) = (0, 0)
        while position < text.count {
            let length = text.utf8Length(at: position)
            if length > 1, isNewer(text.scalar(at: position, length: length)) {
                appendComposed(String(decoding: text[start..<position], as: UTF8.self), to: &output)
                output += text[position..<position + length]
                start = position + length
            }
            position += length
        }
        appendComposed(String(decoding: text[start...], as: UTF8.self), to: &output)
        return output
    }

    private static func appendComposed(_ text: String, to output: inout [UInt8]) {
        #if canImport(Darwin)
        output += text.precomposedStringWithCanonicalMapping.utf8
        #else
        for scalar in text._nfc {
            if scalar.isASCII { output.append(UInt8(truncatingIfNeeded: scalar.value)) } else { output += UTF8.encode(scalar) ?? .init() }
        }
        #endif
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
