internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Tensor

/// One call of `export`, from files to files.
struct Export {
    let source: ExportSource
    let target: ExportTarget
    let merge: Bool
    let threads: Int

    /// What was written, by the words of `--json`.
    struct Written {
        enum Kind: String {
            case peft = "PEFT adapter", merged = "merged model", model = "model", gguf = "GGUF adapter"
        }

        let kind: Kind
        let path: String
        /// All files, sorted.
        let files: [String]
        let weights: WrittenWeights
        /// Linear maps that have an adapter.
        let adapted: Int
        let notes: [String]

        var line: JSONLine {
            var line = JSONLine(), digests = JSONLine()
            line.add("kind", kind.rawValue)
            line.add("path", path)
            line.add("files", files)
            line.add("tensors", weights.tensorCount)
            line.add("parameters", weights.parameterCount)
            line.add("adapted", adapted)
            line.add("dtype", weights.types.joined(separator: ","))
            line.add("bytes", weights.files.reduce(0) { $0 + $1.byteCount })
            for file in weights.files { digests.add(file.name, file.sha256) }
            line.add("sha256", digests)
            return line
        }

        var text: String {
            let adapted = adapted == 0 ? "" : ", \(adapted) linear maps adapted"
            let summary = "\(path): \(kind.rawValue), \(weights.tensorCount) tensors, \(weights.parameterCount) parameters in "
                + weights.types.joined(separator: " and ") + adapted
            return ([summary] + weights.files.map { "\($0.sha256)  \($0.name)" }).joined(separator: "\n")
        }
    }

    /// Writes it all, or nothing.
    func perform() throws -> Written {
        try target.requireFree()
        SignalFlags.install()
        do {
            return try write()
        } catch {
            guard SignalFlags.stopRequested != nil else { throw error }
            throw RunError.interrupted("export was stopped by a signal, and nothing of \(target.path) is there: call it again")
        }
    }

    private func write() throws -> Written {
        switch source {
        case .adapter(let path, let model): return try writeAdapter(path, on: model)
        case .model(let path):
            try refuseGGUF()
            let files = try ModelFiles.open(path)
            return try writeFolder(.model, adapted: 0, notes: files.notes) { try merged(files, nil).write($0) }
        case .checkpoint(let path, let configuration):
            try refuseGGUF()
            return try writeCheckpoint(path, configuration)
        }
    }

    private func refuseGGUF() throws {
        guard target.isGGUF else { return }
        throw RunError.configuration(
            "the run trained all weights (trainable: full), so there is no adapter to put into \(target.path): name a folder, of which "
                + "llama.cpp's convert_hf_to_gguf.py makes a GGUF model")
    }

    private func writeAdapter(_ path: String, on model: String) throws -> Written {
        let files = try ModelFiles.open(model), shape = files.configuration
        let adapter = try AdapterFolder.read(path, for: shape)
        let adapted = adapter.matrices.count
        if merge {
            return try writeFolder(.merged, adapted: adapted, notes: files.notes) { try merged(files, adapter).write($0) }
        }
        guard target.isGGUF else {
            return try writeFolder(.peft, adapted: adapted, notes: files.notes) { side in
                try AdapterFolder.write(
                    side, configuration: adapter.configuration, baseModel: model, model: shape, matrices: adapter.matrices)
            }
        }
        return try target.write { side in
            try GGUFAdapter.write(side, configuration: adapter.configuration, matrices: adapter.matrices, model: shape)
            let name = URL(fileURLWithPath: target.path).lastPathComponent
            return Written(
                kind: .gguf, path: target.path, files: [name], weights: try WrittenWeights(gguf: side, name: name), adapted: adapted,
                notes: files.notes)
        }
    }

    private func merged(
        _ files: ModelFiles, _ adapter: (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices])?
    ) -> MergedModel {
        MergedModel(files, adapter: adapter, parallel: Parallel(threads: threads)) { SignalFlags.stopRequested != nil }
    }

    /// A checkpoint of a run that trains all weights has nothing beside them.
    private func writeCheckpoint(_ path: String, _ configuration: RunConfiguration) throws -> Written {
        let opened = try OpenedWorkspace(configuration, ranksOnNode: 1, needsGradients: false), files = opened.base.files
        let weights = try SafetensorsFile("\(path)/model.safetensors")
        return try writeFolder(.model, adapted: 0, notes: []) { side in
            try ModelFolder.write(
                side, configuration: FinalModel.configuration(opened.base.model.configuration, of: opened.training), weights: weights,
                tokenizerJSON: files == nil ? [UInt8](PathSum.tokenizerJSON()) : nil, tokenizer: files?.tokenizer,
                chatTemplate: files?.writtenTemplate.text)
        }
    }

    private func writeFolder(_ kind: Written.Kind, adapted: Int, notes: [String], _ body: (String) throws -> Void) throws -> Written {
        try target.write { side in
            try body(side)
            let names = try FileManager.default.contentsOfDirectory(atPath: side).sorted()
            let weights = try WrittenWeights(folder: side, names: names.filter { $0.hasSuffix(".safetensors") })
            return Written(kind: kind, path: target.path, files: names, weights: weights, adapted: adapted, notes: notes)
        }
    }
}
