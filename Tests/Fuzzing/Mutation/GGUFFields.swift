/// Where the numbers lie that say how a GGUF file is to be read: counts, lengths, types, extents and offsets.
///
/// A reader of its own, so that the one that is tested does not choose where it is tested. It stops at what it does not know.
struct GGUFFields {
    struct Field {
        let name: String
        let place: Int
        let width: Int
    }

    private(set) var fields: [Field] = []
    /// From where tensor bytes may lie.
    private(set) var position = 0
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard note("magic", 4) != nil, note("version", 4) != nil, let tensors = note("tensor count", 8), let entries = note("entry count", 8)
        else { return }
        for _ in 0..<min(entries, 10_000) {
            guard skipString("key"), let type = note("value type", 4), skipValue(type) else { return }
        }
        for _ in 0..<min(tensors, 10_000) {
            guard skipString("tensor name"), let dimensions = note("dimension count", 4) else { return }
            for _ in 0..<min(dimensions, 8) where note("extent", 8) == nil { return }
            guard note("tensor type", 4) != nil, note("tensor offset", 8) != nil else { return }
        }
    }

    private mutating func note(_ name: String, _ width: Int) -> UInt64? {
        guard position + width <= bytes.count else { return nil }
        var number: UInt64 = 0
        for index in (position..<position + width).reversed() { number = number << 8 | UInt64(bytes[index]) }
        fields.append(Field(name: name, place: position, width: width))
        position += width
        return number
    }

    private mutating func skip(_ count: UInt64) -> Bool {
        guard count <= UInt64(bytes.count - position) else { return false }
        position += Int(count)
        return true
    }

    private mutating func skipString(_ name: String) -> Bool {
        guard let length = note("length of \(name)", 8) else { return false }
        return skip(length)
    }

    private mutating func skipValue(_ type: UInt64) -> Bool {
        let widths: [UInt64: Int] = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]
        switch type {
        case 8: return skipString("text")
        case 9:
            guard let elementType = note("element type", 4), let count = note("element count", 8) else { return false }
            if let width = widths[elementType] { return count < 1 << 32 && skip(count * UInt64(width)) }
            guard elementType == 8 else { return false }
            // A vocabulary has thousands of texts, and one length is as good as another.
            for index in 0..<count {
                let noted = fields.count
                guard skipString("element") else { return false }
                if index > 16 { fields.removeSubrange(noted...) }
            }
            return true
        default:
            guard let width = widths[type] else { return false }
            return note("value", width) != nil
        }
    }
}

extension ByteMutator {
    /// Sets numbers of a GGUF file's structure; says which.
    func mutateGGUF(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> String {
        let fields = GGUFFields(bytes).fields
        guard !fields.isEmpty else { return mutate(&bytes, using: &random) }
        let field = random.pick(fields)
        if field.width == 4, random.chance(0.5) {
            bytes[field.place] = UInt8(random.below(40))
            return "\(field.name) at \(field.place) is \(bytes[field.place])"
        }
        return "\(field.name): " + writeNumber(&bytes, at: field.place, width: field.width, using: &random)
    }
}
