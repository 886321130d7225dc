internal import Foundation

/// The tokens of pieces that were seen lately: a language repeats its words.
///
/// A table of a fixed size, in which a piece has one place, so that it is bounded, and losing a piece costs only
/// time. One thread uses it at a time; who finds it in use does without.
final class PieceCache: @unchecked Sendable {
    static let maximumBytes = 24
    static let maximumTokens = 8
    private static let slotCount = 1 << 15

    /// 64 bytes, a line of the processor's cache. A length of 0 marks an empty place.
    private struct Slot {
        var first: UInt64 = 0, second: UInt64 = 0, third: UInt64 = 0
        var tokens: (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, 0, 0, 0, 0, 0)
        var length: UInt8 = 0
        var tokenCount: UInt8 = 0
    }

    /// A short piece as three numbers.
    struct Key {
        fileprivate let first, second, third: UInt64
        fileprivate let length: UInt8
        fileprivate let slot: Int

        /// Nil for a piece that is empty or too long.
        @inline(__always)
        init?(_ piece: UnsafeRawBufferPointer) {
            guard piece.count > 0, piece.count <= PieceCache.maximumBytes, let base = piece.baseAddress else { return nil }
            var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
            withUnsafeMutableBytes(of: &words) { $0.baseAddress?.copyMemory(from: base, byteCount: piece.count) }
            (first, second, third) = words
            length = UInt8(piece.count)
            var product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
            product = (product.high ^ product.low ^ third).multipliedFullWidth(by: 0x8EBC_6AF0_9C88_C6E3 &+ UInt64(piece.count) << 1)
            slot = Int(truncatingIfNeeded: product.high ^ product.low) & (PieceCache.slotCount - 1)
        }
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let lock = NSLock()

    init() {
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Slot(), count: Self.slotCount)
    }

    deinit { slots.deallocate() }

    /// Whether the caller has the cache to itself now, until it calls `leave`.
    func enter() -> Bool { lock.try() }
    func leave() { lock.unlock() }

    /// Appends the tokens of a piece, if they are known.
    @inline(__always)
    func find(_ key: Key, appendingTo output: inout [Int32]) -> Bool {
        let slot = slots + key.slot
        guard slot.pointee.length == key.length, slot.pointee.first == key.first, slot.pointee.second == key.second,
            slot.pointee.third == key.third
        else { return false }
        if slot.pointee.tokenCount == 1 {
            output.append(slot.pointee.tokens.0)
        } else {
            withUnsafeBytes(of: &slot.pointee.tokens) {
                output.append(contentsOf: $0.bindMemory(to: Int32.self)[..<Int(slot.pointee.tokenCount)])
            }
        }
        return true
    }

    func insert(_ key: Key, _ tokens: ArraySlice<Int32>) {
        guard tokens.count <= Self.maximumTokens else { return }
        let slot = slots + key.slot
        (slot.pointee.first, slot.pointee.second, slot.pointee.third) = (key.first, key.second, key.third)
        (slot.pointee.length, slot.pointee.tokenCount) = (key.length, UInt8(tokens.count))
        withUnsafeMutableBytes(of: &slot.pointee.tokens) { place in
            tokens.withUnsafeBytes { place.copyMemory(from: $0) }
        }
    }
}
