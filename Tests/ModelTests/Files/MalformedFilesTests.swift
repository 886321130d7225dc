import Foundation
import Testing

@testable import Model

/// Walks the external folder of broken files, or the module's own smaller one, and damages files itself.
@Suite("Malformed files")
struct MalformedFilesTests {
    private struct Manifest: Decodable {
        struct File: Decodable {
            let path: String
            let kind: String
            let must: String
            let reason: String
            let base: String?
        }
        let files: [File]
    }

    private static func readAll(_ weights: any WeightSource) throws {
        for name in weights.names { _ = try weights.read(name) }
    }

    private static func parse(_ url: URL) throws -> JSONValue {
        try Data(contentsOf: url).withUnsafeBytes { try JSONParser.parse($0, path: url.path) }
    }

    /// Loads the file as its kind asks for; throws what the loader throws.
    private static func load(_ file: Manifest.File, in root: URL) throws {
        let url = root.appendingPathComponent(file.path)
        switch file.kind {
        case "safetensors":
            let opened = try SafetensorsFile(url.path)
            for entry in opened.entries where entry.type != .int64 { _ = try opened.read(entry.name) }
        case "gguf": try readAll(ModelFiles.open(url.path).weights)
        case "tokenizer": _ = try Tokenizer.load(json: url.path)
        default:
            let base = try root.appendingPathComponent(#require(file.base))
            try withScratchFolder { folder in
                for name in try FileManager.default.contentsOfDirectory(atPath: base.path) {
                    try Data(contentsOf: base.appendingPathComponent(name)).write(to: folder.appendingPathComponent(name))
                }
                try Data(contentsOf: url).write(to: folder.appendingPathComponent(url.lastPathComponent))
                if file.kind == "adapter" {
                    let checkpoint = base.deletingLastPathComponent().appendingPathComponent("checkpoint")
                    _ = try AdapterFolder.read(folder.path, for: ModelFiles.open(checkpoint.path).configuration)
                } else {
                    try readAll(ModelFiles.open(folder.path).weights)
                }
            }
        }
    }

    @Test("each file of the manifest is refused with a typed error, or accepted, as the manifest says")
    func manifest() throws {
        let root = fixtures("malformed", own: "malformed")
        let manifest = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: root.appendingPathComponent("manifest.json")))
        var counts: [String: Int] = [:]
        var withoutMeaning = 0
        for file in manifest.files {
            if let base = file.base {
                let url = root.appendingPathComponent(file.path)
                let original = root.appendingPathComponent(base).appendingPathComponent(url.lastPathComponent)
                if url.lastPathComponent == "config.json", let values = try? [url, original].map(Self.parse), values[0] == values[1] {
                    print("Malformed files: \(file.path) is the valid original and proves nothing")
                    withoutMeaning += 1
                    continue
                }
            }
            var refusal: ModelFileError?
            do { try Self.load(file, in: root) } catch let error as ModelFileError { refusal = error }
            switch (file.must, refusal) {
            case ("accept", let error?): Issue.record("\(file.path) must be accepted (\(file.reason)): \(error)")
            case ("refuse", nil): Issue.record("\(file.path) must be refused: \(file.reason)")
            default: counts[file.kind, default: 0] += 1
            }
            if let refusal { #expect("\(refusal)".count < 1200 && !"\(refusal)".contains(where: \.isNewline), "\(file.path) has no message for people") }
            if ProcessInfo.processInfo.environment["GFN_SHOW_ERRORS"] != nil, let refusal { print("\(file.path): \(refusal)") }
        }
        #expect(manifest.files.count >= 90 && counts.keys.contains("gguf") && counts.count >= 5)
        print("Malformed files: \(counts.values.reduce(0, +)) of \(manifest.files.count) as they must be, \(withoutMeaning) without meaning: \(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" })")
    }

    @Test("a GGUF or safetensors file that is cut off anywhere is refused, never trapped on")
    func truncation() throws {
        let gguf = ownFixtures.appendingPathComponent("gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf")
        let safetensors = ownFixtures.appendingPathComponent("nano-tied-f32/adapter/adapter_model.safetensors")
        var count = 0
        for url in [gguf, safetensors] {
            let data = try Data(contentsOf: url)
            try withScratchFolder { folder in
                let cut = folder.appendingPathComponent("cut")
                for length in stride(from: 0, to: data.count, by: data.count / 40) {
                    try data.prefix(length).write(to: cut)
                    #expect(throws: ModelFileError.self) {
                        if url == gguf { _ = try GGUFFile(cut.path) } else { _ = try SafetensorsFile(cut.path) }
                    }
                    count += 1
                }
            }
        }
        print("Malformed files: \(count) truncations refused")
    }

    @Test("a tensor without elements is read where its extents can be multiplied, and refused where they cannot")
    func emptyTensors() throws {
        try withScratchFolder { folder in
            let path = folder.appendingPathComponent("a.safetensors").path
            for (shape, isRead) in [("[0,1099511627776,1099511627776]", true), ("[1099511627776,1099511627776,0]", false), ("[4611686018427387904,0]", true)] {
                let header = Array(#"{"a":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,0]}}"#.utf8)
                let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
                try Data(length + header).write(to: URL(fileURLWithPath: path))
                if isRead {
                    #expect(try SafetensorsFile(path).read("a") == [])
                } else {
                    #expect(throws: ModelFileError.self) { try SafetensorsFile(path) }
                }
            }
        }
    }

    @Test("a shard may be a link to elsewhere, as in the hub's cache, but an index cannot name what is elsewhere")
    func shardNames() throws {
        try withScratchFolder { root in
            let source = ownFixtures.appendingPathComponent("nano-tied-f32/checkpoint")
            let (folder, blobs) = (root.appendingPathComponent("model"), root.appendingPathComponent("blobs"))
            for url in [folder, blobs] { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
            try Data(contentsOf: source.appendingPathComponent("config.json")).write(to: folder.appendingPathComponent("config.json"))
            try Data(contentsOf: source.appendingPathComponent("model.safetensors")).write(to: blobs.appendingPathComponent("b.safetensors"))
            try FileManager.default.createSymbolicLink(
                atPath: folder.appendingPathComponent("a.safetensors").path, withDestinationPath: "../blobs/b.safetensors")
            let names = try SafetensorsFile(blobs.appendingPathComponent("b.safetensors").path).names
            func open(_ shard: String) throws {
                let map = JSONValue.object(names.map { JSONMember(ByteString($0), JSONValue(shard)) })
                try Data(JSONValue.object([JSONMember("weight_map", map)]).encoded())
                    .write(to: folder.appendingPathComponent("model.safetensors.index.json"))
                try Self.readAll(ModelFiles.open(folder.path).weights)
            }
            try open("a.safetensors")
            let elsewhere = blobs.appendingPathComponent("b.safetensors").path
            for name in ["../blobs/b.safetensors", elsewhere, "file://\(elsewhere)", "..\\blobs\\b.safetensors", "a.safetensors\0", "", ".safetensors", "./a.safetensors"] {
                #expect("\(name)") { try open(name) } throws: { if case .malformed? = $0 as? ModelFileError { true } else { false } }
            }
        }
    }

    @Test("a big-endian GGUF file, and one part of several, are refused by what they are")
    func otherGGUF() throws {
        let data = try Data(contentsOf: ownFixtures.appendingPathComponent("gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf"))
        func message(_ data: Data) throws -> String {
            try withScratchFolder { folder in
                let url = folder.appendingPathComponent("a.gguf")
                try data.write(to: url)
                do { _ = try ModelFiles.open(url.path) } catch { return "\(error)" }
                return "accepted"
            }
        }
        #expect(try message(data) == "accepted")
        var older = data
        older[4] = 2
        #expect(try message(older) == "accepted")
        var swapped = data
        swapped.replaceSubrange(4..<8, with: [0, 0, 0, 3])
        #expect(try message(swapped).contains("big-endian"))
        // One more entry of the metadata; bytes at the end, so that the weights that it moves still lie in the file.
        let entry = [11, 0, 0, 0, 0, 0, 0, 0] + Array("split.count".utf8) + [2, 0, 0, 0] + [3, 0]
        var part = data
        part[16] += 1
        part.insert(contentsOf: entry, at: 24)
        part.append(Data(count: 32))
        let answer = try message(part)
        #expect(answer.contains("split.count is 3") && answer.contains("--merge"))
    }

    @Test("brackets that would take far more memory than the text are refused, and ordinary documents of that size are not")
    func valuesInProportion() throws {
        func parse(_ text: [UInt8]) throws { _ = try text.withUnsafeBytes { try JSONParser.parse($0, path: "test") } }
        let many = [UInt8(ascii: "[")] + Array(repeatElement(Array("1,".utf8), count: 2_000_000).joined()) + Array("1]".utf8)
        #expect(throws: ModelFileError.self) { try parse(many) }
        try parse([UInt8(ascii: "[")] + Array(repeatElement(Array("123456,".utf8), count: 200_000).joined()) + Array("1]".utf8))
    }

    @Test("messages hold what a file says without its control characters, and not more of it than a person reads")
    func printable() {
        #expect("a\u{1B}[2Jb\nc\u{202E}".printable() == "a\\u{1b}[2Jb\\u{a}c\\u{202e}")
        #expect("é😀 plain".printable() == "é😀 plain")
        let long = String(repeating: "x", count: 5000).printable(limit: 100)
        #expect(long.count == 101 && long.contains("…"))
    }

    @Test(
        "JSON is read strictly",
        arguments: [
            "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "[1,]", "[01]", "[1e999]", "[NaN]", "\"\\ud800\"", "\"\\ud800\\u0041\"",
            "[1] x", "{\"a\" 1}", "", "nul", "[1.]", "\"\t\"", String(repeating: "[", count: 100_000),
        ])
    func refusesJSON(_ text: String) {
        #expect(throws: ModelFileError.self) {
            try Array(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "test") }
        }
    }

    @Test("JSON values are what the text says, and are written as they were read")
    func readsJSON() throws {
        let text = #"{"a": [1, -2.5e3, true, null], "\u00e9\ud83d\ude00\n": "x\"\\/"}"#
        let value = try Array(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "test") }
        #expect(value["a"] == .array([.integer(1), .number(-2500), .boolean(true), .null]))
        #expect(value["\u{e9}\u{1F600}\n"] == JSONValue("x\"\\/"))
        let again = try value.encoded().withUnsafeBytes { try JSONParser.parse($0, path: "test") }
        #expect(again == value)
    }
}
