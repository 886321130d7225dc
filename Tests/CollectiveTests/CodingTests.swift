import Collective
import Testing

@Suite("Payloads and frames")
struct CodingTests {
    static func sample() -> ByteWriter {
        var writer = ByteWriter()
        writer.write(-7)
        writer.write(0xBEEF as UInt16)
        writer.write(-0.1 as Float)
        writer.write(Double.pi)
        writer.write([3, -4, 5] as [Int32])
        writer.write([0.5, -.infinity] as [Float])
        writer.write("Zürich ⊤")
        writer.write(true)
        writer.write([] as [UInt16])
        return writer
    }

    static func read(_ bytes: [UInt8]) throws(ByteReaderError) -> [String] {
        var reader = ByteReader(bytes)
        var found: [String] = []
        found.append("\(try reader.readInt())")
        found.append("\(try reader.read(UInt16.self))")
        found.append("\(try reader.read(Float.self))")
        found.append("\(try reader.read(Double.self))")
        found.append("\(try reader.readArray(of: Int32.self))")
        found.append("\(try reader.readArray(of: Float.self))")
        found.append(try reader.readText())
        found.append("\(try reader.readFlag())")
        found.append("\(try reader.readArray(of: UInt16.self))")
        try reader.finish()
        return found
    }

    @Test("a reader gets back what was written")
    func roundTrip() throws {
        #expect(
            try Self.read(Self.sample().bytes)
                == ["-7", "48879", "-0.1", "3.141592653589793", "[3, -4, 5]", "[0.5, -inf]", "Zürich ⊤", "true", "[]"])
    }

    @Test("numbers are little-endian and arrays follow their count")
    func layout() {
        var writer = ByteWriter()
        writer.write(0x0102 as UInt16)
        writer.write([0x03040506] as [UInt32])
        #expect(writer.bytes == [2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 6, 5, 4, 3])
    }

    @Test("a payload cut anywhere, or with a byte too many, is refused")
    func truncation() {
        let bytes = Self.sample().bytes
        for count in 0..<bytes.count {
            #expect(throws: ByteReaderError.self) { try Self.read(Array(bytes.prefix(count))) }
        }
        #expect(throws: ByteReaderError.leftOver(1)) { try Self.read(bytes + [0]) }
    }

    @Test("a count that cannot be is refused before memory is taken", arguments: [Int.max, Int.max / 4, 2, -1, .min])
    func counts(count: Int) {
        var writer = ByteWriter()
        writer.write(count)
        writer.write(1 as Float)
        var reader = ByteReader(writer.bytes)
        #expect(throws: ByteReaderError.count(count, elementSize: 4, remaining: 4, offset: 0)) {
            try reader.readArray(of: Float.self)
        }
        var other = ByteReader(writer.bytes)
        #expect(throws: ByteReaderError.value(count, expected: 0...1, offset: 0)) { try other.readCount(in: 0...1) }
    }

    @Test("text that is not UTF-8 and a flag that is neither are refused")
    func badValues() {
        var writer = ByteWriter()
        writer.write([0xC3, 0x28] as [UInt8])
        var reader = ByteReader(writer.bytes)
        #expect(throws: ByteReaderError.text(offset: 0)) { try reader.readText() }
        var flag = ByteReader([2])
        #expect(throws: ByteReaderError.value(2, expected: 0...1, offset: 0)) { try flag.readFlag() }
    }

    @Test("a frame carries its payload", arguments: [0, 1, 1000])
    func frames(count: Int) throws {
        let frame = MessageFrame(kind: 3, version: 1, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) })
        let bytes = frame.encoded()
        #expect(bytes.count == MessageFrame.headerSize + count && bytes.starts(with: Array("GFND".utf8)))
        #expect(try MessageFrame.decode(bytes) == frame)
        #expect(try MessageFrame.payload(of: bytes, kind: 3, version: 1, limit: count) == frame.payload)
    }

    @Test("the checksum is the beginning of SHA-256")
    func knownChecksum() {
        // printf 'GFND\0\0\0\0\3\0\0\0\0\0\0\0abc' | sha256sum
        let bytes = MessageFrame(kind: 0, version: 0, payload: Array("abc".utf8)).encoded()
        #expect(Array(bytes[16..<24]) == [0x01, 0xE5, 0x41, 0xA8, 0xB4, 0xB5, 0x02, 0xA1])
    }

    @Test("a frame with one bit turned over is refused, wherever it is: each of 10,000")
    func turnedBits() throws {
        var refused = 0
        for number in 0..<10_000 {
            let payload = (0..<(number % 97)).map { UInt8(truncatingIfNeeded: $0 * number) }
            var bytes = MessageFrame(kind: UInt16(16 + number % 12), version: 3, payload: payload).encoded()
            // All bits of all lengths in turn.
            let bit = (number / 97 * 61 + number) % (bytes.count * 8)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            do throws(MessageFrameError) { _ = try MessageFrame.decode(bytes) } catch { refused += 1 }
        }
        #expect(refused == 10_000)
    }

    @Test("a foreign, short, long, damaged or unexpected frame is named as such")
    func badFrames() {
        let good = MessageFrame(kind: 3, version: 1, payload: Array(0..<50)).encoded()
        #expect(throws: MessageFrameError.foreign(start: Array("HTTP".utf8))) { try MessageFrame.decode(Array("HTTP/1.1".utf8)) }
        #expect(throws: MessageFrameError.truncated(expected: 24, found: 0)) { try MessageFrame.decode([]) }
        #expect(throws: MessageFrameError.truncated(expected: 24, found: 10)) { try MessageFrame.decode(Array(good.prefix(10))) }
        #expect(throws: MessageFrameError.truncated(expected: 50, found: 49)) { try MessageFrame.decode(Array(good.dropLast())) }
        #expect(throws: MessageFrameError.leftOver(count: 2)) { try MessageFrame.decode(good + [1, 2]) }
        #expect(throws: MessageFrameError.oversized(length: 50, limit: 49)) { try MessageFrame.decode(good, limit: 49) }
        #expect(throws: MessageFrameError.kind(expected: 4, found: 3)) { try MessageFrame.payload(of: good, kind: 4, version: 1) }
        #expect(throws: MessageFrameError.version(expected: 2, found: 1)) { try MessageFrame.payload(of: good, kind: 3, version: 2) }
        for position in 16..<good.count {
            var damaged = good
            damaged[position] ^= 0x10
            #expect(throws: MessageFrameError.corrupt(kind: 3)) { try MessageFrame.decode(damaged) }
        }
        var huge = good
        huge.replaceSubrange(8..<16, with: repeatElement(0xFF, count: 8))
        #expect(throws: MessageFrameError.oversized(length: .max, limit: .max)) { try MessageFrame.decode(huge) }
    }
}
