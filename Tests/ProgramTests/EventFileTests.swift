import Foundation
import Testing

@testable import gfn_dist

@Suite("TensorBoard's event files")
struct EventFileTests {
    // RFC 3720, appendix B.4, and the usual check value.
    @Test("checksums are those that are published", arguments: [
        (Array("123456789".utf8), 0xe306_9283), (Array(repeating: UInt8(0), count: 32), 0x8a91_36aa),
        (Array(repeating: UInt8(0xff), count: 32), 0x62a8_ab43), (Array(UInt8(0)..<32), 0x46dd_794e),
    ] as [([UInt8], UInt32)])
    func checksums(bytes: [UInt8], expected: UInt32) { #expect(CRC32C.checksum(bytes) == expected) }

    @Test("fields of a message are encoded as Protocol Buffers are")
    func messages() {
        var message = ProtobufMessage()
        message.add(2, integer: 150)
        message.add(1, double: 1)
        message.add(2, float: -2)
        message.add(16, text: "ab")
        message.add(3, integer: -1)
        let expected: [UInt8] =
            [0x10, 0x96, 0x01, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x15, 0, 0, 0, 0xc0, 0x82, 0x01, 2, 0x61, 0x62, 0x18]
            + Array(repeating: 0xff, count: 9) + [0x01]
        #expect(message.bytes == expected)
    }

    /// The messages of a file, whose checksums hold.
    private func messages(_ folder: TemporaryFolder) throws -> [[UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("events.out.tfevents.") }
        let name = try #require(names.first)
        let bytes = [UInt8](try #require(FileManager.default.contents(atPath: "\(folder.path)/\(name)")))
        var messages: [[UInt8]] = [], at = 0
        while at < bytes.count {
            let length = (0..<8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
            let message = Array(bytes[(at + 12)..<(at + 12 + length)])
            #expect(EventFile.record(message) == Array(bytes[at..<(at + 16 + length)]))
            messages.append(message)
            at += 16 + length
        }
        return messages
    }

    @Test("a file begins with its version, a run that goes on with a new session, and a step is one event without what is no number")
    func file() throws {
        let folder = try TemporaryFolder(), now = Date(timeIntervalSince1970: 1)
        let file = try EventFile(folder: folder.path, firstStep: 7, now: now)
        try file.add([("loss", 0.5), ("verdicts/wrong", 2), ("kl", .nan)], step: 8, now: now)
        let time: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
        let loss: [UInt8] = [0x0a, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3f]
        let wrong: [UInt8] = [0x0a, 14] + Array("verdicts/wrong".utf8) + [0x15, 0, 0, 0, 0x40]
        let values = [0x0a, UInt8(loss.count)] + loss + [0x0a, UInt8(wrong.count)] + wrong
        #expect(try messages(folder) == [
            time + [0x1a, 13] + Array("brain.Event:2".utf8), time + [0x10, 8, 0x3a, 2, 0x08, 0x01],
            time + [0x10, 8, 0x2a, UInt8(values.count)] + values,
        ])
    }

    @Test("a run writes what metrics.jsonl has")
    func run() throws {
        let run = try train(Settings.standard.with(["train.steps": "3"]), on: .single(1))
        let names = try FileManager.default.contentsOfDirectory(atPath: run.files.path).filter { $0.hasPrefix("events.out.tfevents.") }
        #expect(names.count == 1)
        let content = try #require(FileManager.default.contents(atPath: "\(run.files.path)/\(names[0])"))
        let text = String(decoding: content, as: UTF8.self)
        for tag in ["loss", "accuracy", "verdicts/correct", "seconds_step", "evaluation/pathsum-held-out/accuracy"] {
            #expect(text.contains(tag), "\(tag)")
        }
    }
}
