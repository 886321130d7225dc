import Foundation
import Testing

@testable import Model

/// Walks the external folder of broken files; without it, damages the module's own fixtures.
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
        let root = fixtures("malformed", own: "none")
        guard FileManager.default.fileExists(atPath: root.path) else {
            print("Malformed files: GFN_FIXTURES is not set, 0 files of the manifest tried")
            return
        }
        let manifest = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: root.appendingPathComponent("manifest.json")))
        var counts: [String: Int] = [:]
        for file in manifest.files {
            if let base = file.base {
                let url = root.appendingPathComponent(file.path)
                let original = root.appendingPathComponent(base).appendingPathComponent(url.lastPathComponent)
                if url.lastPathComponent == "config.json", let values = try? [url, original].map(Self.parse), values[0] == values[1] {
                    print("Malformed files: \(file.path) is the valid original and proves nothing")
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
            if ProcessInfo.processInfo.environment["GFN_SHOW_ERRORS"] != nil, let refusal { print("\(file.path): \(refusal)") }
        }
        print("Malformed files: as they must be: \(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" })")
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
