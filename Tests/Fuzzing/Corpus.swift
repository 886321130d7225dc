internal import Foundation

/// Valid files, found below folders: what mutants are made of.
package struct Corpus: Sendable {
    /// Folders of models, as files by name.
    private(set) var models: [(name: String, files: [String: [UInt8]])] = []
    /// Adapters, with the name of the model that each is for.
    private(set) var adapters: [(name: String, model: String, files: [String: [UInt8]])] = []
    private(set) var gguf: [(name: String, bytes: [UInt8])] = []
    private(set) var tokenizers: [(name: String, bytes: [UInt8])] = []

    /// Larger files are left out: they make cases slow and damage less likely to matter.
    private static let largestFile = 256 << 10

    /// Takes what is below `folders`, in order of names: models with their adapters, GGUF files and tokenizers.
    package init(folders: [String]) throws {
        for (index, root) in folders.enumerated() {
            let paths = (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []).sorted()
            for path in paths where !path.contains("malformed") {
                // The folder above "checkpoint" or "adapter" names a model and its adapter alike.
                let name = "\(index):" + path.split(separator: "/").dropLast(2).joined(separator: "/")
                let place = URL(fileURLWithPath: root).appendingPathComponent(path)
                switch place.lastPathComponent {
                case "config.json":
                    if let files = try Self.files(in: place.deletingLastPathComponent()) { models.append((name, files)) }
                case "adapter_config.json":
                    if let files = try Self.files(in: place.deletingLastPathComponent()) {
                        adapters.append((name, name, files))
                    }
                case "tokenizer.json":
                    let bytes = try Self.bytes(place)
                    if bytes.count <= Self.largestFile, !tokenizers.contains(where: { $0.bytes == bytes }) { tokenizers.append((path, bytes)) }
                case let file where file.hasSuffix(".gguf"):
                    let size = try FileManager.default.attributesOfItem(atPath: place.path)[.size] as? Int ?? .max
                    if size <= Self.largestFile { gguf.append((path, try Self.bytes(place))) }
                default: continue
                }
            }
        }
        let known = Set(models.map(\.name))
        adapters.removeAll { !known.contains($0.model) }
    }

    private static func bytes(_ url: URL) throws -> [UInt8] { Array(try Data(contentsOf: url)) }

    /// All files of a folder; nil when one is too large.
    private static func files(in folder: URL) throws -> [String: [UInt8]]? {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let bytes = try bytes(folder.appendingPathComponent(name))
            if bytes.count > 2 * largestFile { return nil }
            files[name] = bytes
        }
        return files
    }

    package var summary: String {
        "\(models.count) models, \(adapters.count) adapters, \(gguf.count) GGUF files, \(tokenizers.count) tokenizers"
    }
}
