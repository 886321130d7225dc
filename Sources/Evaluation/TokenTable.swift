/// Numbers for the different tokens of a group of texts, 0, 1, … in the order in which they first appear.
///
/// A token is hashed once and its bytes are kept once, in one buffer; everything after works with numbers.
struct TokenTable {
    private(set) var count: Int32 = 0
    private var bytes: [UInt8] = []
    /// Token k is `bytes[starts[k]..<starts[k + 1]]`; equal neighbours for a number that ``number(ofWord:)`` gave.
    private var starts = [0]
    /// Open addressing: numbers, −1 where nothing is. The count of slots is a power of two.
    private var slots = [Int32](repeating: -1, count: 512)
    private var words: [String: Int32] = [:]

    /// The number of a token given by its bytes, which are not empty.
    mutating func number(of token: [UInt8]) -> Int32 {
        var slot = hash(token)
        while slots[slot] >= 0 {
            if isToken(slots[slot], token) { return slots[slot] }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = count
        bytes += token
        return takeNumber()
    }

    /// The number of a token that is compared as Swift compares strings: canonically equivalent spellings are one token. It is
    /// none of those given by bytes.
    mutating func number(ofWord word: String) -> Int32 {
        if let known = words[word] { return known }
        words[word] = count
        return takeNumber()
    }

    private mutating func takeNumber() -> Int32 {
        count += 1
        starts.append(bytes.count)
        if 2 * Int(count) > slots.count { grow() }
        return count - 1
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            let token = Array(bytes[starts[Int(number)]..<starts[Int(number) + 1]])
            guard !token.isEmpty else { continue }
            var slot = hash(token)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = number
        }
    }

    private func isToken(_ number: Int32, _ token: [UInt8]) -> Bool {
        let (start, end) = (starts[Int(number)], starts[Int(number) + 1])
        guard end - start == token.count else { return false }
        for index in token.indices where bytes[start + index] != token[index] { return false }
        return true
    }

    /// FNV-1a, its upper half folded into the lower bits that choose a slot.
    private func hash(_ token: [UInt8]) -> Int {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in token { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: value ^ value >> 32) & (slots.count - 1)
    }
}
