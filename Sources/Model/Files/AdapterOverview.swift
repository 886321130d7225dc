/// What an adapter's folder says of itself, read without its base.
package struct AdapterOverview: Sendable {
    package let configuration: AdapterConfiguration
    /// As far as its tensors tell: one more than the last layer that is adapted.
    package let layerCount: Int
    /// `base_model_name_or_path`: a path, or a name on the hub. Nil: it is not said.
    package let baseModel: String?
    /// How its numbers are stored, as "F32", without repetition.
    package let types: [String]
    package let tensorCount, parameterCount: Int
    /// Every B is zero: it changes nothing in its base.
    package let isZero: Bool

    /// Reads every number.
    ///
    /// - Throws: what `AdapterFolder.read` throws, but for sizes that only a base has.
    package init(_ path: String) throws(ModelFileError) {
        let configurationPath = "\(path)/\(AdapterFolder.configurationName)"
        guard MappedFile.exists(configurationPath) else {
            throw .missing(path: path, field: AdapterFolder.configurationName, advice: "name a folder that PEFT or this program wrote")
        }
        let file = try SafetensorsFile("\(path)/\(AdapterFolder.weightsName)")
        guard let last = file.names.compactMap(Self.layer).max() else {
            throw .malformed(
                path: file.path, field: "the tensors", expected: "matrices such as base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
                found: file.names.first ?? "none")
        }
        let fields = try JSONFields(file: configurationPath)
        layerCount = last + 1
        configuration = try AdapterFolder.readConfiguration(fields, layerCount: layerCount)
        baseModel = try fields.string("base_model_name_or_path")
        var (parameters, isZero, known) = (0, true, Set<String>())
        for (place, strength) in configuration.places(layerCount: layerCount) {
            for (name, isB) in [(place.names.a, false), (place.names.b, true)] {
                guard let shape = file.shape(of: name) else {
                    throw .missing(path: file.path, field: "tensor \(name)", advice: "\(configurationPath) announces it")
                }
                guard shape.count == 2, shape[isB ? 1 : 0] == strength.rank else {
                    throw .malformed(
                        path: file.path, field: "the shape of \(name)", expected: "\(isB ? "columns" : "rows") of rank \(strength.rank)",
                        found: "\(shape)")
                }
                let values = try file.read(name)
                parameters += values.count
                if isB, values.contains(where: { $0 != 0 }) { isZero = false }
                known.insert(name)
            }
        }
        if let stranger = file.names.first(where: { !known.contains($0) }) {
            throw .malformed(
                path: file.path, field: "tensor \(stranger)", expected: "a matrix that \(configurationPath) announces",
                found: "one that belongs to nothing")
        }
        types = Set(file.entries.map(\.type.rawValue)).sorted()
        tensorCount = file.entries.count
        parameterCount = parameters
        self.isZero = isZero
    }

    /// The number behind "layers." in a tensor's name.
    private static func layer(_ name: String) -> Int? {
        let parts = name.split(separator: ".")
        return parts.firstIndex(of: "layers").flatMap { $0 + 1 < parts.count ? Int(parts[$0 + 1]) : nil }.flatMap { 0..<4096 ~= $0 ? $0 : nil }
    }
}
