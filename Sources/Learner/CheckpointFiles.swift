internal import Digest
internal import Foundation
internal import Glibc
internal import Model

/// A set of files that is complete or absent, whatever moment the process dies at.
///
/// Everything is written into a sibling folder whose name begins with a dot, each file synced; the manifest comes last;
/// then the folder is renamed. A folder with its final name is therefore complete, unless a disk lost it, which the
/// sizes and digests of the manifest tell.
enum CheckpointFiles {
    struct Manifest: Codable, Equatable {
        struct File: Codable, Equatable {
            var name: String
            var size: Int
            var sha256: String
        }
        var format: Int
        var files: [File]
    }

    static let format = 2
    static let manifestName = "MANIFEST.json"

    /// Calls `body` with an empty folder to write files into, and gives the folder the name `path` when all is on the disk.
    static func write(_ path: String, _ body: (String) throws(CheckpointError) -> Void) throws(CheckpointError) {
        let url = URL(fileURLWithPath: path)
        let parent = url.deletingLastPathComponent().path
        let side = "\(parent)/.\(url.lastPathComponent).partial"
        let files = FileManager.default
        try attempt(path) {
            try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
            // What an interrupted attempt left.
            if files.fileExists(atPath: side) { try files.removeItem(atPath: side) }
            try files.createDirectory(atPath: side, withIntermediateDirectories: false)
        }
        do throws(CheckpointError) {
            try fill(side, path: path, body)
            // A checkpoint of this name is there only when a run went on from an earlier one; the same step has the same content.
            try attempt(path) { if files.fileExists(atPath: path) { try files.removeItem(atPath: path) } }
            guard rename(side, path) == 0 else { throw .inaccessible(path: path, reason: lastError()) }
        } catch {
            // Of a save that failed nothing stays; what a kill leaves, the next one removes.
            try? files.removeItem(atPath: side)
            throw error
        }
        try sync(parent)
    }

    private static func fill(
        _ side: String, path: String, _ body: (String) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try body(side)
        let names = try attempt(side) { try FileManager.default.contentsOfDirectory(atPath: side).sorted() }
        var manifest = Manifest(format: format, files: [])
        for name in names {
            try sync("\(side)/\(name)")
            let (size, digest) = try measure("\(side)/\(name)")
            manifest.files.append(Manifest.File(name: name, size: size, sha256: digest))
        }
        try write(encoded(manifest, path: path), to: "\(side)/\(manifestName)")
        try sync(side)
    }

    /// Checks every file of the folder against its manifest.
    static func verify(_ path: String) throws(CheckpointError) {
        let manifestPath = "\(path)/\(manifestName)"
        guard FileManager.default.fileExists(atPath: manifestPath) else { throw .missing(path: manifestPath) }
        let manifest = try decode(Manifest.self, from: try read(manifestPath), path: manifestPath)
        guard manifest.format == format else { throw .format(path: manifestPath, expected: format, found: manifest.format) }
        let names = manifest.files.map(\.name)
        // A manifest that leaves a file out would let it pass unchecked; one that names another folder's has it read.
        for name in [Checkpoint.summaryName, Checkpoint.optimizerName, Checkpoint.replayName] where !names.contains(name) {
            throw .malformed(path: manifestPath, detail: "it does not list \(name)")
        }
        if let name = names.first(where: { $0.isEmpty || $0.hasPrefix(".") || $0.utf8.contains(0) || $0.contains("/") }) {
            throw .malformed(path: manifestPath, detail: "it lists \"\(name)\", which is not the name of a file in its folder")
        }
        guard Set(names).count == names.count else { throw .malformed(path: manifestPath, detail: "it lists a file twice") }
        for file in manifest.files {
            let filePath = "\(path)/\(file.name)"
            guard FileManager.default.fileExists(atPath: filePath) else { throw .missing(path: filePath) }
            let attributes = try attempt(filePath) { try FileManager.default.attributesOfItem(atPath: filePath) }
            let size = (attributes[.size] as? NSNumber)?.intValue ?? -1
            guard size == file.size else { throw .size(path: filePath, expected: file.size, found: size) }
            guard try measure(filePath).digest == file.sha256 else { throw .digest(path: filePath) }
        }
    }

    /// Bytes of the files in the folder.
    static func size(_ path: String) throws(CheckpointError) -> Int {
        try attempt(path) {
            try FileManager.default.contentsOfDirectory(atPath: path).reduce(0) { size, name in
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
                return size + ((attributes[.size] as? NSNumber)?.intValue ?? 0)
            }
        }
    }

    /// Replaces a small file as a whole: whoever reads sees the old content or the new.
    static func replace(_ path: String, with bytes: [UInt8]) throws(CheckpointError) {
        try write(bytes, to: path)
        try sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
        do throws(ModelFileError) { try SideFile.write(bytes, to: path) } catch {
            guard case .unwritable(_, let reason) = error else { throw .inaccessible(path: path, reason: "\(error)") }
            throw .inaccessible(path: path, reason: reason)
        }
    }

    static func read(_ path: String) throws(CheckpointError) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
        return [UInt8](try attempt(path) { try Data(contentsOf: URL(fileURLWithPath: path)) })
    }

    static func encoded(_ value: some Encodable, path: String) throws(CheckpointError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try attempt(path) { try encoder.encode(value) }) + [UInt8(ascii: "\n")]
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8], path: String) throws(CheckpointError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw .malformed(path: path, detail: "its fields are not those of a \(type)")
        }
    }

    private static func measure(_ path: String) throws(CheckpointError) -> (size: Int, digest: String) {
        let content = try attempt(path) { try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped) }
        return (content.count, content.withUnsafeBytes { hexadecimal(SHA256.digest(of: $0)) })
    }

    private static func sync(_ path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .inaccessible(path: path, reason: lastError()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .inaccessible(path: path, reason: lastError()) }
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }

    static func attempt<Value>(_ path: String, _ body: () throws -> Value) throws(CheckpointError) -> Value {
        do { return try body() } catch let error as CheckpointError { throw error } catch {
            throw .inaccessible(path: path, reason: (error as NSError).localizedDescription)
        }
    }
}
