internal import Foundation

/// A file of samples, and what it is called beside others. Files that were given the same name are runs of one method.
struct SampleSet: Sendable, Equatable {
    let name: String
    let path: String
    /// Whether somebody chose the name.
    let isNamed: Bool

    /// Takes `NAME=FILE`, or `FILE`, which is named after itself.
    init(_ text: String) {
        if let equals = text.firstIndex(of: "="), !FileManager.default.fileExists(atPath: text) {
            name = String(text[..<equals])
            path = String(text[text.index(after: equals)...])
            isNamed = true
        } else {
            path = text
            name = URL(fileURLWithPath: text).deletingPathExtension().lastPathComponent
            isNamed = false
        }
    }

    init(name: String, path: String) { (self.name, self.path, isNamed) = (name, path, true) }

    /// Fails when the file cannot be read twice.
    func requireFile() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw RunError.missingInput("\(path) does not exist: --samples takes a file of JSON Lines, or NAME=FILE")
        }
        let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        guard !isFolder.boolValue, type == .typeRegular || type == .typeSymbolicLink else {
            throw RunError.missingInput("\(path) is no regular file: samples are read twice, so write them to a file first")
        }
    }
}
