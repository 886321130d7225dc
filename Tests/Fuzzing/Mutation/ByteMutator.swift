/// Damages bytes without knowing what they mean.
package struct ByteMutator: Sendable {
    /// What other files of the kind lend their parts; may be empty.
    let donors: [[UInt8]]
    /// A mutant is never longer than this many bytes more than the original.
    static let growth = 1 << 16

    package init(donors: [[UInt8]] = []) { self.donors = donors }

    /// One change; says which.
    package func mutate(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> String {
        guard !bytes.isEmpty else {
            bytes = (0..<random.length(atMost: 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            return "\(bytes.count) bytes where there were none"
        }
        let place = random.below(bytes.count)
        let length = min(random.length(atMost: 4096), bytes.count - place)
        switch random.below(11) {
        case 0, 1:
            let bit = random.below(8)
            bytes[place] ^= 1 << UInt8(bit)
            return "bit \(bit) of byte \(place)"
        case 2:
            bytes[place] = random.pick([0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5C, 0x5B, 0x7B, UInt8(truncatingIfNeeded: random.next())])
            return "byte \(place) is \(bytes[place])"
        case 3:
            bytes.removeSubrange(place...)
            return "cut at \(place)"
        case 4:
            let filling = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            bytes.insert(contentsOf: filling, at: place)
            return "\(length) random bytes inserted at \(place)"
        case 5:
            bytes.removeSubrange(place..<place + length)
            return "\(length) bytes removed at \(place)"
        case 6:
            let copies = min(random.length(atMost: 64), max(1, Self.growth / length))
            bytes.insert(contentsOf: Array(repeatElement(bytes[place..<place + length], count: copies).joined()), at: place)
            return "\(length) bytes at \(place) \(copies) times more"
        case 7:
            let other = random.below(bytes.count - length + 1)
            let (first, second) = (Array(bytes[place..<place + length]), Array(bytes[other..<other + length]))
            bytes.replaceSubrange(place..<place + length, with: second)
            bytes.replaceSubrange(other..<other + length, with: first)
            return "\(length) bytes at \(place) and \(other) exchanged"
        case 8:
            guard !donors.isEmpty else { fallthrough }
            return splice(&bytes, at: place, length: length, using: &random)
        case 9:
            return writeNumber(&bytes, at: place, width: random.pick([1, 2, 4, 8]), using: &random)
        default:
            return writeNumber(&bytes, at: Self.likelyCount(in: bytes, from: place) ?? place, width: 8, using: &random)
        }
    }

    private func splice(_ bytes: inout [UInt8], at place: Int, length: Int, using random: inout FuzzRandom) -> String {
        let index = random.below(donors.count), donor = donors[index]
        guard !donor.isEmpty else { return "nothing" }
        let start = random.below(donor.count)
        if random.chance(0.5) {
            bytes = Array(bytes[..<place] + donor[start...])
            return "cut at \(place) and followed by donor \(index) from \(start)"
        }
        let end = min(donor.count, start + length)
        bytes.replaceSubrange(place..<min(bytes.count, place + (end - start)), with: donor[start..<end])
        return "\(end - start) bytes of donor \(index) from \(start) at \(place)"
    }

    /// Writes an interesting number of `width` bytes, little-endian, over what is there.
    func writeNumber(_ bytes: inout [UInt8], at place: Int, width: Int, using random: inout FuzzRandom) -> String {
        let end = min(bytes.count, place + width)
        var current: UInt64 = 0
        for index in (place..<end).reversed() { current = current << 8 | UInt64(bytes[index]) }
        let number = InterestingNumbers.pick(near: current, size: bytes.count, remaining: bytes.count - end, using: &random)
        for index in place..<end { bytes[index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * (index - place))) }
        return "\(number) in \(end - place) bytes at \(place), where \(current) was"
    }

    /// The next place from `start` that looks like a 64-bit count: small, and not zero.
    private static func likelyCount(in bytes: [UInt8], from start: Int) -> Int? {
        guard start + 8 <= bytes.count else { return nil }
        return (start..<min(bytes.count - 7, start + 512)).first { place in
            bytes[place + 3..<place + 8].allSatisfy { $0 == 0 } && bytes[place] != 0
        }
    }
}
