extension ByteMutator {
    /// Damages a safetensors file's header as JSON, its length, or its numbers; says how.
    func mutateSafetensors(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> [String] {
        guard bytes.count > 10 else { return [mutate(&bytes, using: &random)] }
        let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(bytes.count - 8) else { return [mutate(&bytes, using: &random)] }
        let dataStart = 8 + Int(length)
        switch random.below(5) {
        case 0: return ["header length: " + writeNumber(&bytes, at: 0, width: 8, using: &random)]
        case 1 where dataStart + 4 <= bytes.count:
            let place = dataStart + random.below(bytes.count - dataStart - 3)
            bytes.replaceSubrange(place..<place + 4, with: random.pick([[0, 0, 0xC0, 0x7F], [0, 0, 0x80, 0xFF], [0xFF, 0xFF, 0x7F, 0x7F], [1, 0, 0, 0]]))
            return ["a number that is not finite, or hardly, at \(place)"]
        default:
            var header = Array(bytes[8..<dataStart])
            guard let changes = JSONMutator().mutate(&header, using: &random) else { return [mutate(&bytes, using: &random)] }
            // Most often the file says how long its header is now.
            let said = random.chance(0.9) ? UInt64(header.count) : length
            bytes = (0..<8).map { UInt8(truncatingIfNeeded: said >> UInt64(8 * $0)) } + header + bytes[dataStart...]
            return changes.map { "header: \($0)" }
        }
    }
}
