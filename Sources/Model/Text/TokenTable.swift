/// The tokens of a vocabulary as the file spells them, and the way from a spelling to its id.
///
/// Spellings lie one after another in memory and are found by open addressing, since a vocabulary has a
/// hundred thousand of them and is read before anything else can begin.
struct TokenTable: Sendable {
    enum Conflict: Equatable {
        /// The id has another spelling.
        case id
        /// The spelling has another id.
        case spelling
    }

    private var bytes: [UInt8] = []
    private var starts: [Int] = []
    /// By id; -1 where no token has the id.
    private var lengths: [Int32] = []
    /// Ids; -1 for free. The count is a power of two, more than twice that of the tokens.
    private var slots: [Int32]
    private let hash = ByteHash()
    private(set) var count = 0

    init(capacity: Int = 0) {
        slots = Array(repeating: -1, count: (2 * max(capacity, 4) + 1).roundedUpToPowerOfTwo)
        starts.reserveCapacity(capacity)
        lengths.reserveCapacity(capacity)
    }

    /// One more than the largest id.
    var idLimit: Int { lengths.count }

    /// Nil where no token has the id.
    subscript(id: Int32) -> ByteString? {
        guard has(id) else { return nil }
        return ByteString(Array(bytes[starts[Int(id)]..<starts[Int(id)] + Int(lengths[Int(id)])]))
    }

    func has(_ id: Int32) -> Bool { id >= 0 && Int(id) < lengths.count && lengths[Int(id)] >= 0 }

    func withSpelling<Result>(of id: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard has(id) else { return nil }
        return bytes.withUnsafeBytes { body(spelling(id, in: $0)) }
    }

    /// Enters a token; says what stands against it, if anything does.
    mutating func insert(_ spelling: UnsafeRawBufferPointer, id: Int32) -> Conflict? {
        if has(id) { return withSpelling(of: id) { $0.elementsEqual(spelling) } == true ? nil : .id }
        if self.id(of: spelling) != nil { return .spelling }
        while lengths.count <= Int(id) {
            starts.append(0)
            lengths.append(-1)
        }
        starts[Int(id)] = bytes.count
        lengths[Int(id)] = Int32(spelling.count)
        bytes.append(contentsOf: spelling)
        count += 1
        if 2 * count >= slots.count {
            slots = Array(repeating: -1, count: 2 * slots.count)
            for id in lengths.indices where lengths[id] >= 0 { enter(Int32(id)) }
        } else {
            enter(id)
        }
        return nil
    }

    mutating func insert(_ spelling: ByteString, id: Int32) -> Conflict? {
        spelling.bytes.withUnsafeBytes { insert($0, id: id) }
    }

    private mutating func enter(_ id: Int32) {
        var slot = bytes.withUnsafeBytes { Int(truncatingIfNeeded: hash(spelling(id, in: $0))) } & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = id
    }

    private func spelling(_ id: Int32, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[starts[Int(id)]..<starts[Int(id)] + Int(lengths[Int(id)])])
    }

    func id(of spelling: UnsafeRawBufferPointer) -> Int32? {
        bytes.withUnsafeBytes { bytes in
            var slot = Int(truncatingIfNeeded: hash(spelling)) & (slots.count - 1)
            while slots[slot] >= 0 {
                let other = self.spelling(slots[slot], in: bytes)
                if other.count == spelling.count, other.elementsEqual(spelling) { return slots[slot] }
                slot = (slot + 1) & (slots.count - 1)
            }
            return nil
        }
    }

    func id(of spelling: ByteString) -> Int32? { spelling.bytes.withUnsafeBytes { id(of: $0) } }
    func id(of spelling: ArraySlice<UInt8>) -> Int32? { spelling.withUnsafeBytes { id(of: $0) } }
}

/// A hash of short byte strings, keyed per table so that no file can be made to collide.
struct ByteHash: Sendable {
    private let seed = UInt64.random(in: .min ... .max)

    @inline(__always)
    func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        var position = 0
        while position + 8 <= bytes.count {
            state = mix(state ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < bytes.count {
            rest = rest << 8 | UInt64(bytes[position])
            position += 1
        }
        return mix(state ^ rest)
    }

    @inline(__always)
    func callAsFunction(_ key: UInt64) -> UInt64 { mix(key ^ seed) }

    /// Both halves of a product with an odd constant (as in wyhash), so that every bit counts.
    @inline(__always)
    private func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: seed | 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}

extension Int {
    var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
