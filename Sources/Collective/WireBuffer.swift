/// Bytes at an address that stays, as a transfer under way needs them; freed with the last reference.
final class WireBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) {
        // At least one byte, so that there is an address even for an empty message.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory[0..<count])
        start = memory
    }

    convenience init(copying source: [UInt8]) {
        self.init(count: source.count)
        bytes.copyBytes(from: source)
    }

    deinit { start.deallocate() }

    private let start: UnsafeMutableRawBufferPointer

    /// The pieces of at most `limit` bytes that a transfer is cut into, none for no bytes.
    func pieces(of limit: Int) -> [UnsafeMutableRawBufferPointer] {
        stride(from: 0, to: bytes.count, by: limit).map { offset in
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<min(offset + limit, bytes.count)])
        }
    }
}
