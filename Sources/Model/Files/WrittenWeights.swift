internal import Digest

/// What is in files of weights, read back after they were written.
package struct WrittenWeights: Sendable {
    package struct File: Sendable {
        /// Within its folder.
        package let name: String
        package let byteCount: Int
        /// Of all its bytes, as `sha256sum` says it.
        package let sha256: String
    }

    package private(set) var files: [File] = []
    package private(set) var tensorCount = 0
    package private(set) var parameterCount = 0
    /// As the file's format spells them, sorted.
    package private(set) var types: [String] = []

    /// Those of a folder's safetensors files, which have these names.
    package init(folder: String, names: [String]) throws(ModelFileError) {
        for name in names {
            let entries = try SafetensorsFile("\(folder)/\(name)").entries
            try add("\(folder)/\(name)", name: name, tensors: entries.map { ($0.type.rawValue, $0.shape) })
        }
    }

    package init(gguf path: String, name: String) throws(ModelFileError) {
        try add(path, name: name, tensors: try GGUFFile(path).tensors.values.map { ($0.format.name, $0.shape) })
    }

    private mutating func add(_ path: String, name: String, tensors: [(type: String, shape: [Int])]) throws(ModelFileError) {
        let file = try MappedFile(path)
        files.append(
            file.withBytes { File(name: name, byteCount: $0.count, sha256: hexadecimal(SHA256.digest(of: $0))) })
        tensorCount += tensors.count
        parameterCount += tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        types = Set(types + tensors.map(\.type)).sorted()
    }
}
