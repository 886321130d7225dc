import Foundation

/// Finds the models that come with numbers to reach, whatever they are called: below the folder named by `GFN_FIXTURES`, or
/// the module's own small ones where that has none of a kind.
enum FixtureWalk {
    static let isExternal = ProcessInfo.processInfo.environment["GFN_FIXTURES"].map { !$0.isEmpty } ?? false

    private static var root: URL {
        isExternal ? URL(fileURLWithPath: ProcessInfo.processInfo.environment["GFN_FIXTURES"] ?? "") : ownFixtures
    }

    /// Checkpoints in Hugging Face's layout: `checkpoint/`, `adapter/`, `io.safetensors`, `lora.safetensors`, `meta.json`.
    static func checkpoints() throws -> [CheckpointCase] {
        try folders { has("checkpoint/config.json", $0) && has("io.safetensors", $0) && has("meta.json", $0) }.map(CheckpointCase.init)
    }

    /// A `.gguf` file beside `ref.safetensors` and `meta.json`.
    static func ggufs() throws -> [GGUFCase] {
        try folders { has("ref.safetensors", $0) && has("meta.json", $0) }.map(GGUFCase.init)
    }

    /// Numbers of a real model, `facts.json` and `prompts.jsonl`, whose file is named by a variable. Never carried along.
    static func realModels() throws -> [RealModelCase] {
        try folders { has("facts.json", $0) && has("prompts.jsonl", $0) }.compactMap(RealModelCase.init)
    }

    /// Says how many cases a test ran; running none is a failure.
    static func ran(_ count: Int, _ what: String, closest share: Double? = nil) -> Bool {
        let closest = share.map { ", at most \(String(format: "%.3f", $0)) of the tolerance" } ?? ""
        print("conformance, \(isExternal ? "external" : "own"): \(count) \(what)\(closest)")
        return count > 0
    }

    private static func has(_ name: String, _ folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }

    /// The folders that a recipe recognises, sorted by path.
    private static func folders(_ isMade: (URL) -> Bool) throws -> [URL] {
        for root in [root, ownFixtures] {
            var found: [URL] = [], waiting = [root]
            while let folder = waiting.popLast() {
                if isMade(folder) { found.append(folder) } else { waiting += try subfolders(folder) }
            }
            if !found.isEmpty { return found.sorted { $0.path < $1.path } }
        }
        return []
    }
}
