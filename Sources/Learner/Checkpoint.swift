internal import Collective
package import Model
internal import Foundation

/// Everything that a run needs to go on with the same bits: the only place that knows the whole.
///
///     step-<n>/  adapter_config.json, adapter_model.safetensors   (or model.safetensors, when all weights are trained)
///                optimizer.safetensors   master parameters, moments, log Z, V, bf16 weights that rollouts may still need
///                replay                  the replay buffer, compressed
///                state.json              steps, versions, seed and what identifies the run
///                MANIFEST.json           size and SHA-256 of each file
package struct Checkpoint: Sendable {
    /// The weights of a version, as they were published.
    package struct Published: Sendable, Equatable {
        package var version: Int
        package var bits: [UInt16]

        package init(version: Int, bits: [UInt16]) { (self.version, self.bits) = (version, bits) }
    }

    /// Training steps that are done.
    package var step: Int
    package var seed: UInt64
    package var learner: PolicyLearner.State
    /// Earlier versions that a lag still asks for.
    package var published: [Published]
    package var replay: ReplayBuffer
    /// What the program wants to find again, such as the digest of the configuration or the kernel family.
    package var notes: [String: String]

    package init(
        step: Int, seed: UInt64, learner: PolicyLearner.State, published: [Published], replay: ReplayBuffer,
        notes: [String: String] = [:]
    ) {
        self.step = step
        self.seed = seed
        self.learner = learner
        self.published = published
        self.replay = replay
        self.notes = notes
    }

    /// The content of state.json.
    struct Summary: Codable, Equatable {
        var format: Int
        var step: Int
        var seed: UInt64
        var policyVersion: Int
        var layoutDigest: String
        var parameterCount: Int
        var optimizerStep: Int
        var optimizer: AdamW.Settings
        var rootStep: Int?
        var rootIsInitialised: Bool?
        var rootOptimizer: AdamW.Settings?
        var valueStep: Int?
        var valueOptimizer: AdamW.Settings?
        var publishedVersions: [Int]
        var replay: ReplayBuffer.Settings
        var replayBytes: Int
        var notes: [String: String]

        /// What a run could not go on with; nil when there is nothing.
        var problem: String? {
            // Random streams are addressed with steps of 28 bits.
            let steps = 0..<(1 << 28)
            let counts = [
                ("step", step), ("policyVersion", policyVersion), ("optimizerStep", optimizerStep), ("rootStep", rootStep ?? 0),
                ("valueStep", valueStep ?? 0),
            ]
            if let (name, value) = counts.first(where: { !steps.contains($0.1) }) { return "\(name) is \(value), expected 0 to \(steps.upperBound - 1)" }
            for settings in [optimizer, rootOptimizer ?? optimizer, valueOptimizer ?? optimizer] {
                let rates = [settings.beta1, settings.beta2]
                guard rates.allSatisfy({ (0..<1).contains($0) }), settings.epsilon >= 0, settings.weightDecay.isFinite else {
                    return "the optimizer's settings are \(settings), expected beta1 and beta2 from 0 to below 1 and epsilon not below 0"
                }
            }
            if publishedVersions.contains(where: { $0 < 0 || $0 > policyVersion })
                || zip(publishedVersions, publishedVersions.dropFirst()).contains(where: { $0 >= $1 })
            {
                return "publishedVersions is \(publishedVersions.prefix(8)), expected ascending versions up to \(policyVersion)"
            }
            return replay.problems().first
        }
    }

    static let summaryName = "state.json"
    static let optimizerName = "optimizer.safetensors"
    static let replayName = "replay"
    /// Of the tensors of log Z(x) and V(s).
    private static let rootName = "log_z", valueName = "value"

    // MARK: - Writing

    /// Writes `folder`/step-<n> and then names it in `folder`/latest; keeps the newest `keep` checkpoints and removes others.
    ///
    /// `writeWeights` is given the folder for the policy's weights in a form that other programs read: `PolicyWeights`.
    /// Returns the path of the checkpoint.
    @discardableResult
    package func write(
        in folder: String, layout: ParameterLayout, keep: Int,
        writeWeights: (String) throws(ModelFileError) -> Void
    ) throws(CheckpointError) -> String {
        let path = "\(folder)/step-\(step)"
        try CheckpointFiles.write(path) { (side) throws(CheckpointError) in
            let (summary, tensors, buffer) = contents(layout: layout)
            do throws(ModelFileError) {
                try writeWeights(side)
                try SafetensorsWriter.write(tensors, to: "\(side)/\(Self.optimizerName)")
            } catch {
                // Of the file beside, which is gone then.
                guard case .unwritable(let file, let reason) = error else { throw .inaccessible(path: path, reason: "\(error)") }
                throw .inaccessible(path: file, reason: reason)
            }
            try CheckpointFiles.write(buffer, to: "\(side)/\(Self.replayName)")
            try CheckpointFiles.write(
                CheckpointFiles.encoded(summary, path: path), to: "\(side)/\(Self.summaryName)")
        }
        try Self.nameLatest(step, in: folder)
        try Self.prune(folder, keep: keep, newest: step)
        return path
    }

    private func contents(layout: ParameterLayout) -> (Summary, [SafetensorsWriter.Tensor], [UInt8]) {
        func flat(_ name: String, _ values: [Float]) -> SafetensorsWriter.Tensor {
            SafetensorsWriter.Tensor(name: name, shape: [values.count], values: .float32(values))
        }
        var tensors = [
            flat("parameters", learner.parameters), flat("first_moments", learner.optimizer.firstMoments),
            flat("second_moments", learner.optimizer.secondMoments),
        ]
        for (name, head) in [(Self.rootName, learner.root?.head), (Self.valueName, learner.values?.head)] {
            guard let head else { continue }
            tensors += [
                flat("\(name).parameters", head.parameters), flat("\(name).first_moments", head.optimizer.firstMoments),
                flat("\(name).second_moments", head.optimizer.secondMoments),
            ]
        }
        tensors += published.map {
            SafetensorsWriter.Tensor(name: "published.\($0.version)", shape: [$0.bits.count], values: .bfloat16($0.bits))
        }
        let encodedReplay = replay.encoded()
        let summary = Summary(
            format: CheckpointFiles.format, step: step, seed: seed, policyVersion: learner.version,
            layoutDigest: layout.digest, parameterCount: layout.count, optimizerStep: learner.optimizer.step,
            optimizer: learner.optimizer.settings, rootStep: learner.root?.head.optimizer.step,
            rootIsInitialised: learner.root?.isInitialised, rootOptimizer: learner.root?.head.optimizer.settings,
            valueStep: learner.values?.head.optimizer.step, valueOptimizer: learner.values?.head.optimizer.settings,
            publishedVersions: published.map(\.version), replay: replay.settings, replayBytes: encodedReplay.count,
            notes: notes)
        return (summary, tensors, Self.packed(encodedReplay))
    }

    // MARK: - Reading

    /// Reads a checkpoint after checking every file of it; `layout` is that of the policy that will go on.
    package static func read(_ path: String, layout: ParameterLayout) throws(CheckpointError) -> Checkpoint {
        try CheckpointFiles.verify(path)
        let summaryPath = "\(path)/\(summaryName)"
        let summary = try CheckpointFiles.decode(
            Summary.self, from: try CheckpointFiles.read(summaryPath), path: summaryPath)
        if let problem = summary.problem { throw .malformed(path: summaryPath, detail: problem) }
        guard summary.parameterCount == layout.count else {
            throw .mismatch(
                path: path, field: "the number of trainable parameters", expected: "\(layout.count)",
                found: "\(summary.parameterCount)")
        }
        guard summary.layoutDigest == layout.digest else {
            throw .mismatch(
                path: path, field: "the set of trained tensors", expected: layout.digest, found: summary.layoutDigest)
        }
        let tensors = try OptimizerFile("\(path)/\(optimizerName)")
        let count = layout.count
        let optimizer = AdamW(
            summary.optimizer, step: summary.optimizerStep, firstMoments: try tensors.floats("first_moments", count: count),
            secondMoments: try tensors.floats("second_moments", count: count))
        var root: RootFlow?
        if let step = summary.rootStep, let isInitialised = summary.rootIsInitialised, let settings = summary.rootOptimizer {
            root = RootFlow(try tensors.head(rootName, settings, step: step), isInitialised: isInitialised)
        }
        var values: ValueHead?
        if let step = summary.valueStep, let settings = summary.valueOptimizer {
            values = ValueHead(try tensors.head(valueName, settings, step: step))
        }
        var published: [Published] = []
        for version in summary.publishedVersions {
            published.append(Published(version: version, bits: try tensors.bits("published.\(version)", count: count)))
        }
        let state = PolicyLearner.State(
            version: summary.policyVersion, parameters: try tensors.floats("parameters", count: count),
            optimizer: optimizer, root: root, values: values)
        return Checkpoint(
            step: summary.step, seed: summary.seed, learner: state, published: published,
            replay: try readReplay("\(path)/\(replayName)", summary: summary), notes: summary.notes)
    }

    /// Checks what only who knows the model can: without this, a run that goes on would fail far from its reason.
    package func check(for model: TransformerConfiguration, path: String) throws(CheckpointError) {
        if let width = learner.root?.width, width != model.hiddenSize {
            throw .mismatch(path: path, field: "the width of log Z", expected: "\(model.hiddenSize)", found: "\(width)")
        }
        if let width = learner.values?.width, width != model.hiddenSize {
            throw .mismatch(path: path, field: "the width of V", expected: "\(model.hiddenSize)", found: "\(width)")
        }
        if let token = replay.largestToken, Int(token) >= model.vocabularySize {
            throw .mismatch(
                path: path, field: "the largest token of the replay buffer", expected: "below \(model.vocabularySize)", found: "\(token)")
        }
    }

    /// The replay buffer as it is written: compressed, or as it is when that would be taken for a bomb.
    ///
    /// A few kilobytes can say gigabytes, and memory is taken before it shows whether they are a replay buffer. So a
    /// reader believes in a small buffer and in a moderate ratio; a writer that has neither does not compress.
    static func packed(_ replay: [UInt8]) -> [UInt8] {
        let compressed = Compression().compress(replay)
        return isPlausible(replay.count, from: compressed.count) ? compressed : replay
    }

    private static func isPlausible(_ count: Int, from compressedCount: Int) -> Bool {
        count >= 0 && (count <= 4 << 20 || count / 64 <= compressedCount)
    }

    private static func readReplay(_ path: String, summary: Summary) throws(CheckpointError) -> ReplayBuffer {
        let stored = try CheckpointFiles.read(path)
        let count = summary.replayBytes
        guard
            let bytes = stored.count == count
                ? stored : isPlausible(count, from: stored.count) ? Compression().decompress(stored, count: count) : nil
        else {
            throw .malformed(path: path, detail: "it does not decompress to \(count) bytes")
        }
        do { return try ReplayBuffer(decoding: bytes, settings: summary.replay, newest: summary.policyVersion) } catch {
            throw .malformed(path: path, detail: "\(error)")
        }
    }

    /// What a checkpoint says of itself, read without the policy that it is of.
    package struct Overview: Sendable {
        package let step, policyVersion, optimizerStep, parameterCount: Int
        package let seed: UInt64
        /// Earlier versions that a lag still asks for.
        package let publishedVersions: [Int]
        /// Of the replay buffer, as it is in memory's form.
        package let replayBytes: Int
        package let notes: [String: String]
        /// Bytes of all its files.
        package let size: Int
    }

    /// Reads what the checkpoint at `path` says of itself, and checks every file against the manifest.
    /// - Returns: nil where not even that can be read; and what is wrong, nil: it is whole.
    package static func overview(_ path: String) -> (overview: Overview?, damage: CheckpointError?) {
        var damage: CheckpointError?
        do throws(CheckpointError) { try CheckpointFiles.verify(path) } catch { damage = error }
        do throws(CheckpointError) {
            let summaryPath = "\(path)/\(summaryName)"
            let summary = try CheckpointFiles.decode(Summary.self, from: try CheckpointFiles.read(summaryPath), path: summaryPath)
            if let problem = summary.problem { throw .malformed(path: summaryPath, detail: problem) }
            let overview = Overview(
                step: summary.step, policyVersion: summary.policyVersion, optimizerStep: summary.optimizerStep,
                parameterCount: summary.parameterCount, seed: summary.seed, publishedVersions: summary.publishedVersions,
                replayBytes: summary.replayBytes, notes: summary.notes, size: try CheckpointFiles.size(path))
            return (overview, damage)
        } catch {
            return (nil, damage ?? error)
        }
    }

    /// What a folder of checkpoints offers to a run that goes on.
    package struct Search: Sendable {
        /// The newest checkpoint of which every file is there and whole; nil when there is none.
        package var newest: String?
        /// The steps that are done in it; 0 without one.
        package var step = 0
        /// What is wrong with each newer one, the newest first.
        package var damage: [CheckpointError] = []
    }

    /// Looks for the newest checkpoint in `folder` that is whole.
    package static func search(in folder: String) -> Search {
        var search = Search()
        for step in steps(in: folder).reversed() {
            let path = "\(folder)/step-\(step)"
            do throws(CheckpointError) {
                try CheckpointFiles.verify(path)
                (search.newest, search.step) = (path, step)
                return search
            } catch {
                search.damage.append(error)
            }
        }
        return search
    }

    /// The checkpoint of `step` in `folder`, checked against its manifest; nil where there is none.
    package static func path(ofStep step: Int, in folder: String) throws(CheckpointError) -> String? {
        let path = "\(folder)/step-\(step)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        try CheckpointFiles.verify(path)
        return path
    }

    /// Names the checkpoint of `step` in `folder`/latest, where it is not named already: a run may have ended before it did, or its newest
    /// checkpoint may be damaged.
    package static func nameLatest(_ step: Int, in folder: String) throws(CheckpointError) {
        let (path, name) = ("\(folder)/latest", "step-\(step)\n")
        if FileManager.default.contents(atPath: path) != Data(name.utf8) { try CheckpointFiles.replace(path, with: Array(name.utf8)) }
    }

    /// Whether `folder` holds the weights of the checkpoint at `path`, with whatever else belongs to them.
    package static func isExported(_ path: String, to folder: String) -> Bool {
        let files = FileManager.default
        let own = [summaryName, optimizerName, replayName, CheckpointFiles.manifestName]
        // A checkpoint that cannot be listed is not known to be anywhere else.
        guard let names = try? files.contentsOfDirectory(atPath: path).filter({ !own.contains($0) }), !names.isEmpty else { return false }
        return names.allSatisfy { name in
            let exported = "\(folder)/\(name)"
            // People edit the small files, such as the place of the base.
            return name.hasSuffix(".safetensors")
                ? files.contentsEqual(atPath: "\(path)/\(name)", andPath: exported) : files.fileExists(atPath: exported)
        }
    }

    /// Steps of the checkpoints in `folder`, ascending.
    package static func steps(in folder: String) -> [Int] {
        // A folder that is not there has no checkpoints.
        let names = FileManager.default.enumerator(atPath: folder).map { enumerator -> [String] in
            var names: [String] = []
            while let name = enumerator.nextObject() as? String {
                enumerator.skipDescendants()
                names.append(name)
            }
            return names
        } ?? []
        return names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    private static func prune(_ folder: String, keep: Int, newest: Int) throws(CheckpointError) {
        for step in steps(in: folder).filter({ $0 <= newest }).dropLast(max(keep, 1)) {
            let path = "\(folder)/step-\(step)"
            try CheckpointFiles.attempt(path) { try FileManager.default.removeItem(atPath: path) }
        }
    }
}

extension ParameterLayout {
    /// Equal for equal names and shapes in equal order.
    package var digest: String {
        sha256Hex(entries.map { "\($0.name) \($0.shape)\n" }.joined().utf8)
    }
}

/// optimizer.safetensors, with errors of a checkpoint.
private struct OptimizerFile {
    let file: SafetensorsFile
    let path: String

    init(_ path: String) throws(CheckpointError) {
        self.path = path
        do throws(ModelFileError) { file = try SafetensorsFile(path) } catch {
            throw .malformed(path: path, detail: "\(error)")
        }
    }

    /// Moments may be anything finite or not: they are taken as they were.
    func floats(_ name: String, count: Int? = nil) throws(CheckpointError) -> [Float] {
        try elements(name, type: .float32, count: count)
    }

    /// The parameters of a linear head, which say how wide it is, and moments of that width.
    func head(_ name: String, _ settings: AdamW.Settings, step: Int) throws(CheckpointError) -> LinearHead {
        let parameters = try floats("\(name).parameters")
        return LinearHead(
            parameters: parameters,
            optimizer: AdamW(
                settings, step: step, firstMoments: try floats("\(name).first_moments", count: parameters.count),
                secondMoments: try floats("\(name).second_moments", count: parameters.count)))
    }

    func bits(_ name: String, count: Int) throws(CheckpointError) -> [UInt16] {
        try elements(name, type: .bfloat16, count: count)
    }

    private func elements<Element: BitwiseCopyable>(
        _ name: String, type: SafetensorsFile.ElementType, count: Int?
    ) throws(CheckpointError) -> [Element] {
        let elements = file.entry(name)?.type == type
            ? file.withBytes(of: name) { bytes in
                (0..<bytes.count / MemoryLayout<Element>.size).map {
                    bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
                }
            } : nil
        guard let elements else { throw .malformed(path: path, detail: "it has no \(type.rawValue) tensor \(name)") }
        guard count == nil || count == elements.count else {
            throw .mismatch(path: path, field: "the size of \(name)", expected: "\(count ?? 0)", found: "\(elements.count)")
        }
        return elements
    }
}
