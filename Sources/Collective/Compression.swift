internal import CZstd

/// zstd with contexts that are kept between calls, since making one costs more than compressing a small adapter.
///
/// For one thread at a time.
package final class Compression {
    private let compressor: OpaquePointer
    private let decompressor: OpaquePointer
    /// The fastest ordinary level: higher ones gain nothing on numbers.
    private static let level: Int32 = 1

    package init() {
        guard let compressor = ZSTD_createCCtx(), let decompressor = ZSTD_createDCtx() else {
            preconditionFailure("there is no memory for a zstd context")
        }
        self.compressor = compressor
        self.decompressor = decompressor
    }

    deinit {
        ZSTD_freeCCtx(compressor)
        ZSTD_freeDCtx(decompressor)
    }

    package func compress(_ bytes: [UInt8]) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, filled in
            let size = bytes.withUnsafeBytes {
                ZSTD_compressCCtx(compressor, buffer.baseAddress, bound, $0.baseAddress, $0.count, Self.level)
            }
            precondition(ZSTD_isError(size) == 0, "zstd failed with room for the worst case")
            filled = size
        }
    }

    /// The original of `bytes`, which must have `count` bytes; nil when it has not, or is damaged.
    package func decompress(_ bytes: [UInt8], count: Int) -> [UInt8]? {
        let announced = bytes.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard gfn_zstd_size_is_known(announced) != 0, announced == UInt64(exactly: count) else { return nil }
        // A block of at most 128 KiB takes at least three bytes: a count beyond that is a lie, found before memory is taken.
        guard count / (128 << 10) <= bytes.count / 3 else { return nil }
        var isWhole = false
        let original = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let size = bytes.withUnsafeBytes {
                ZSTD_decompressDCtx(decompressor, buffer.baseAddress, count, $0.baseAddress, $0.count)
            }
            isWhole = ZSTD_isError(size) == 0 && size == count
            filled = isWhole ? size : 0
        }
        return isWhole ? original : nil
    }
}
