internal import CZlib
internal import CZstd

/// The ways of compressing a file that are read.
enum Coding: String {
    case gzip, zstd

    /// By a file's first four bytes. A file of zstd may begin with a frame that is to be skipped, as `pzstd` writes it.
    init?(magic: [UInt8]) {
        if magic.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if magic.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
            || magic.first.map({ 0x50...0x5F ~= $0 }) == true && magic.dropFirst().starts(with: [0x2A, 0x4D, 0x18])
        {
            self = .zstd
        } else {
            return nil
        }
    }

    func decoder() -> any StreamDecoder {
        switch self {
        case .gzip: GzipDecoder()
        case .zstd: ZstdDecoder()
        }
    }
}

/// What a library says of damaged data.
struct DecodingFault: Error {
    let reason: String
}

/// How many bytes were taken from the input and given to the output.
typealias DecodedCount = (taken: Int, given: Int)

/// Undoes one kind of compression, a piece at a time. A file may have several parts, each compressed by itself.
protocol StreamDecoder {
    /// Whether the data may end after what was decoded.
    var isWhole: Bool { get }

    /// Decodes as much of the input as the output has room for.
    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(DecodingFault) -> DecodedCount
}

/// RFC 1952, with the checks of each member's CRC-32 and length.
private final class GzipDecoder: StreamDecoder {
    /// At a place of its own: zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private(set) var isWhole = false

    init() {
        stream.initialize(to: z_stream())
        // The largest window, and gzip's header rather than zlib's.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "there is no memory for zlib")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(DecodingFault) -> DecodedCount {
        if isWhole {
            // Tapes are padded with zeros.
            let padding = input.prefix { $0 == 0 }.count
            guard padding == 0 else { return (padding, 0) }
            inflateReset(stream)
            isWhole = false
        }
        stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_STREAM_END: isWhole = true
        // Z_BUF_ERROR: there was nothing to do.
        case Z_OK, Z_BUF_ERROR: break
        default: throw DecodingFault(reason: stream.pointee.msg.map { String(cString: $0) } ?? "unknown to zlib")
        }
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}

/// Frames of zstd with windows of up to 128 MB, its own bound; checksums are checked where a frame has one.
private final class ZstdDecoder: StreamDecoder {
    private let stream: OpaquePointer
    private(set) var isWhole = false

    init() {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("there is no memory for zstd") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(DecodingFault) -> DecodedCount {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let rest = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(rest) == 0 else { throw DecodingFault(reason: String(cString: ZSTD_getErrorName(rest)).lowercased()) }
        isWhole = rest == 0
        return (source.pos, target.pos)
    }
}
