import Foundation
import Processes
import Testing

@testable import Problems

@Suite("Encodings of data files")
struct DataEncodingTests {
    /// Three rows in two members, by gzip -9n.
    private static let gzip = bytes(
        "H4sIAAAAAAACA6tWKixNLS7JzM9TslJQMlTQVjCwV9JRUErMKy5PLQKKGdZyVWOoMURVY1TLBQClNQv3SAAAAB+LCAAAAAAAAgOrViosTS0uyczPU7JSUDJU0FYwslfSUVBKzCsuTy0CihnX"
            + "cgEAglTxHiQAAAA=")
    /// Eleven bytes that are to be skipped, and the same rows in two frames with checksums, by zstd -19 --check.
    private static let zstd = bytes(
        "UCpNGAMAAAABAgMotS/9BGiVAQCEAnsicXVlc3Rpb24iOiAiMSArIDA/IiwgImFuc3dlciI6IDF9CjEyfQoCAEAWPJ56AjA/mCsotS/9BGghAQB7InF1ZXN0aW9uIjogIjEgKyAyPyIsICJhbnN3"
            + "ZXIiOiAzfQp+cjRq")

    private static func bytes(_ base64: String) -> [UInt8] { Data(base64Encoded: base64).map { Array($0) } ?? [] }

    /// The answers in a file of these bytes, or what it is refused with.
    private func read(_ bytes: [UInt8], path: String = "p") -> String {
        do throws(DataFileError) { return try ProblemFile.parse(bytes, path: path).map { $0.answer ?? "-" }.joined(separator: " ") } catch { return "\(error)" }
    }

    @Test("compressed files of several members, with padding, are read to the end")
    func compressed() {
        #expect(read(Self.gzip) == "1 2 3" && read(Self.zstd) == "1 2 3")
        #expect(read(Self.gzip + [0, 0, 0]) == "1 2 3")
        #expect(read(Self.gzip + [0] + Self.gzip.prefix(64) + Self.gzip) == "1 2 3 1 2 1 2 3")
        #expect(read(Self.zstd + Self.zstd, path: "p.jsonl") == "1 2 3 1 2 3")
    }

    @Test("compressed files that are cut at any byte are refused, except between two members")
    func cut() {
        for (bytes, between) in [(Self.gzip, [64]), (Self.zstd, [11, 74])] {
            for length in 4..<bytes.count where !between.contains(length) {
                let message = read(Array(bytes.prefix(length)))
                #expect(message.hasPrefix("p is damaged: its ") && message.hasSuffix("data end too early; copy or download the file again"), "\(length): \(message)")
            }
        }
        #expect(read(Array(Self.gzip.prefix(64))) == "1 2")
    }

    @Test("compressed files with a damaged byte are refused in one line, or are the same")
    func damaged() {
        for bytes in [Self.gzip, Self.zstd] {
            for index in bytes.indices {
                var damaged = bytes
                damaged[index] ^= 0x10
                let message = read(damaged)
                #expect(message == "1 2 3" || (message.hasPrefix("p") && !message.contains("\n")), "\(index): \(message)")
            }
        }
        #expect(read(Self.gzip + [7]).hasPrefix("p is damaged"))
        #expect(read(Self.zstd + [7, 7, 7, 7]) == "p is damaged: its zstd data are not right (unknown frame descriptor); copy or download the file again")
    }

    @Test("a file that grows beyond measure is refused")
    func growth() throws {
        // A hundred thousand blanks in one block of zstd that repeats a byte: 100000 << 3 | repeated << 1 | last.
        let header = 100_000 << 3 | 1 << 1 | 1
        let bomb: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, 0x38] + [header, header >> 8, header >> 16].map { UInt8($0 & 255) } + [0x20]
        func decode(freeCount: Int) throws(DataFileError) -> Int {
            var isRead = false
            // Not looked into, as it would be decompressed.
            let source = DataBytes { (_) throws(DataFileError) in
                defer { isRead = true }
                return isRead ? [] : bomb
            }
            var decoded = DecodedBytes("p", .zstd, source, freeCount: freeCount)
            var count = 0
            while case let bytes = try decoded.next(), !bytes.isEmpty { count += bytes.count }
            return count
        }
        #expect(try decode(freeCount: 100_000) == 100_000)
        #expect { try decode(freeCount: 99_999) } throws: { "\($0)".hasPrefix("p is damaged: its zstd data grow to more than 200 times their size") }
    }

    @Test(
        "other formats are refused by name, with what converts them",
        arguments: [
            ("PAR1\u{15}\u{04}", "p is a Parquet file, expected JSON Lines in UTF-8; convert it with: python3 -c \"import json, pyarrow.parquet; "),
            ("ARROW1\0\0", "p is an Arrow file, expected"), ("[{\"question\": \"a\"}]", "p is one JSON array, expected"),
            ("\u{FEFF} [\n  {\n    \"question\": \"a\"", "p is one JSON array, expected"), ("[\r\n{}", "p is one JSON array, expected"),
            ("{\"question\": \"a\",\n \"answer\": 1}", "p is JSON with objects over several lines"),
            ("{\n  \"question\": \"a\"\n}\n", "p is JSON with objects over several lines, expected JSON Lines in UTF-8; write each object on one line"),
            ("question,answer\na,1\n", "p is a table (CSV), expected"), ("\u{FEFF}\"question\";\"answer\"\r\na;1\r\n", "p is a table (CSV), expected"),
            ("question\tanswer\na\t1\n", "p is a table with tabs (TSV), expected"),
            ("\u{1}\u{2}PNG", "p is binary data, expected JSON Lines in UTF-8; name a text"), ("BZh9", "p is bzip2 data, expected JSON Lines in UTF-8; unpack it with bunzip2"), ("PK\u{3}\u{4}", "p is a zip archive, expected"),
            ("{\0\"\0q\0", "p is text in UTF-16, expected"), ("\0{\0\"\0q", "p is text in UTF-16, expected"), ("{\0\0\0\"\0\0\0", "p is text in UTF-32, expected"),
        ])
    func foreign(text: String, message: String) {
        let found = read(Array(text.utf8))
        #expect(found.hasPrefix(message) && !found.contains("\n"), "\(found)")
    }

    @Test("lines that are arrays, and a file that only looks like a table by its name, are bad lines or read as what they are")
    func notForeign() {
        #expect(read(Array("[{\"role\": \"user\"}]\n[{\"role\": \"user\"}]".utf8)).hasPrefix("p:1: expected a JSON object, found an array of 1\np:2: "))
        #expect(read(Array("{\"question\": \"a\", \"answer\": 1}".utf8), path: "p.csv.gz") == "1")
        #expect(read(Array("Some words. And more!".utf8)).hasPrefix("p:1: expected a JSON object"))
        #expect(read(Array("Some words. And more!\n".utf8), path: "p.csv").hasPrefix("p.csv is a table (CSV)"))
    }

    private static let python = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map { "\($0)/python3" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(
        "the line of Python that a refusal names makes a file that is read", .enabled(if: python != nil),
        arguments: [
            ("a.json", String.Encoding.utf8, "[\n {\"question\": \"é\\n\", \"answer\": 0.1},\n {\"question\": \"b\", \"answer\": 12345678901234567}]"),
            ("it's $HOME `x` \"q\".jsonl", .utf8, "\u{FEFF}[{\"question\": \"é\", \"answer\": 0.1}, {\"question\": \"b\", \"answer\": 12345678901234567}]\n"),
            ("a.csv", .utf8, "question,answer\r\n\"é,\r\n\"\"\",0.1\r\nb,12345678901234567\r\n"), ("a.txt", .utf8, "question\tanswer\né\t0.1\nb\t12345678901234567\n"),
            ("a.jsonl", .utf16, "{\"question\": \"é\", \"answer\": 0.1}\r\n{\"question\": \"b\", \"answer\": 12345678901234567}\r\n"),
            ("b.jsonl", .utf16BigEndian, "{\"question\": \"é\", \"answer\": 0.1}\n{\"question\": \"b\", \"answer\": 12345678901234567}"),
        ])
    func conversion(name: String, encoding: String.Encoding, text: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try #require(text.data(using: encoding)).write(to: file)
        let message = try #require(throws: DataFileError.self) { try ProblemFile.read(file.path) }.description
        let command = try #require(message.firstRange(of: "python3 -c ").map { message[$0.lowerBound...] })
        #expect(try ChildProcess(["/bin/sh", "-c", String(command)]).wait(seconds: 60) == .exited(0))
        let made = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0 != name })
        let problems = try ProblemFile.read("\(folder.path)/\(made)")
        #expect(problems.map(\.answer) == ["0.1", "12345678901234567"] && problems[0].messages[0].content.hasPrefix("é"), "\(message)")
    }
}
