internal import Glibc

/// A stretch of memory that tensors are placed in: private and zeroed, or the pages of a file. It lives as long as one of them.
package final class MemoryArena: @unchecked Sendable {
    package let bytes: UnsafeMutableRawBufferPointer

    /// Private memory, zeroed. Nil where the system gives none.
    package convenience init?(byteCount: Int) {
        precondition(byteCount > 0, "an arena of \(byteCount) bytes")
        guard let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED else {
            return nil
        }
        self.init(mapping: UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }

    /// The same where there is nobody to tell: traps where the system gives none, as an allocation of any tensor does.
    package static func required(byteCount: Int) -> MemoryArena {
        guard let arena = MemoryArena(byteCount: byteCount) else { fatalError("the system gave no memory for \(byteCount) bytes") }
        return arena
    }

    /// Takes over what `mmap` gave, and unmaps it in the end.
    package init(mapping: UnsafeMutableRawBufferPointer) { bytes = mapping }

    deinit { munmap(bytes.baseAddress, bytes.count) }
}

/// Gives the next part of an arena to each tensor that asks for one, on boundaries of 64 bytes.
package struct ArenaCursor {
    package let arena: MemoryArena
    private var offset = 0

    package init(_ arena: MemoryArena) { self.arena = arena }

    /// What a tensor of so many bytes takes of an arena.
    package static func extent(_ byteCount: Int) -> Int { (byteCount + 63) & ~63 }

    /// Whether nothing is left.
    package var isAtEnd: Bool { offset == arena.bytes.count }

    package mutating func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let end = offset + Self.extent(byteCount)
        precondition(end <= arena.bytes.count, "bytes \(offset)..<\(end) of an arena of \(arena.bytes.count)")
        defer { offset = end }
        // An arena is not empty.
        return arena.bytes.baseAddress.unsafelyUnwrapped + offset
    }
}
