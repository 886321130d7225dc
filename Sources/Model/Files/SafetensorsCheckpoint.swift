/// The weights of a folder in Hugging Face's layout: `model.safetensors`, or else shards with an index.
package struct SafetensorsCheckpoint: WeightSource {
    /// The files that hold them, in the order in which the index names them first.
    let files: [SafetensorsFile]
    private let places: [String: Int]
    package let names: [String]
    package var paths: [String] { files.map(\.path) }

    static let fileName = "model.safetensors"
    static let indexName = "model.safetensors.index.json"

    package init(folder: String) throws(ModelFileError) {
        let whole = "\(folder)/\(Self.fileName)"
        let index = "\(folder)/\(Self.indexName)"
        if MappedFile.exists(whole) {
            let file = try SafetensorsFile(whole)
            let places = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
            self.init(files: [file], places: places, names: file.names)
        } else if MappedFile.exists(index) {
            try self.init(index: index, folder: folder)
        } else {
            throw .missing(
                path: folder, field: Self.fileName,
                advice: "name a folder with \(Self.fileName) (or \(Self.indexName) and its shards), or a .gguf file")
        }
    }

    /// Which weights are used when a folder has both kinds: those that transformers takes.
    static func note(folder: String) -> String? {
        guard MappedFile.exists("\(folder)/\(fileName)"), MappedFile.exists("\(folder)/\(indexName)") else { return nil }
        return "\(folder): the weights are those of \(fileName), as in transformers; \(indexName) and its shards are not read"
    }

    private init(index path: String, folder: String) throws(ModelFileError) {
        let fields = try JSONFields(file: path)
        let map = try fields.required("weight_map", JSONFields.object)
        var files: [SafetensorsFile] = []
        var fileIndices: [String: Int] = [:]
        var places: [String: Int] = [:]
        var names: [String] = []
        for member in map.members {
            let name = member.key.text
            guard case .string(let shard) = member.value, Self.isPlainFileName(shard) else {
                throw .malformed(
                    path: path, field: "weight_map.\(name)", expected: "the plain name of a .safetensors file in the same folder",
                    found: member.value.summary)
            }
            let fileIndex: Int
            if let known = fileIndices[shard.text] {
                fileIndex = known
            } else {
                fileIndex = files.count
                files.append(try SafetensorsFile("\(folder)/\(shard.text)"))
                fileIndices[shard.text] = fileIndex
            }
            guard files[fileIndex].entry(name) != nil else {
                throw .missing(
                    path: files[fileIndex].path, field: "tensor \(name)", advice: "\(Self.indexName) says it is in this file")
            }
            guard places.updateValue(fileIndex, forKey: name) == nil else {
                throw .malformed(path: path, field: "weight_map.\(name)", expected: "one entry per tensor", found: "listed twice")
            }
            names.append(name)
        }
        self.init(files: files, places: places, names: names)
    }

    /// A file of the same folder and nothing else: no separators, no drive, no URL, no NUL.
    private static func isPlainFileName(_ name: ByteString) -> Bool {
        let forbidden: Set<UInt8> = [0, UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: ":")]
        return name.bytes.count > ".safetensors".utf8.count && !name.bytes.contains { forbidden.contains($0) }
            && name.bytes.first != UInt8(ascii: ".") && name.bytes.suffix(12).elementsEqual(".safetensors".utf8)
    }

    package func shape(of name: String) -> [Int]? { places[name].flatMap { files[$0].shape(of: name) } }

    package func storedType(of name: String) -> String? { places[name].flatMap { files[$0].storedType(of: name) } }

    package func readRows(
        of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(ModelFileError) {
        guard let place = places[name] else {
            throw .missing(
                path: files.first?.path ?? "weights", field: "tensor \(name)", advice: "the weights do not fit the configuration")
        }
        try files[place].readRows(of: name, rows, into: destination)
    }

    /// Whether two tensors hold the same bytes in the same type and shape.
    func areIdentical(_ first: String, _ second: String) -> Bool {
        guard let firstFile = places[first].map({ files[$0] }), let secondFile = places[second].map({ files[$0] }),
            let firstEntry = firstFile.entry(first), let secondEntry = secondFile.entry(second),
            firstEntry.type == secondEntry.type, firstEntry.shape == secondEntry.shape
        else { return false }
        return firstFile.withBytes(of: first) { a in
            secondFile.withBytes(of: second) { b in a.elementsEqual(b) } ?? false
        } ?? false
    }

    /// The same weights without the tensor.
    func leavingOut(_ name: String) -> SafetensorsCheckpoint {
        SafetensorsCheckpoint(files: files, places: places.filter { $0.key != name }, names: names.filter { $0 != name })
    }

    private init(files: [SafetensorsFile], places: [String: Int], names: [String]) {
        self.files = files
        self.places = places
        self.names = names
    }
}
