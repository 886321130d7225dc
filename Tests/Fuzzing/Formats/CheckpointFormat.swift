internal import Collective
internal import Learner
internal import Model
internal import Rollout

/// A checkpoint's folder, mostly with a manifest that fits what was damaged: a digest is no defence against who wrote it.
struct CheckpointFormat: FuzzFormat {
    let name = "checkpoint"
    private let layout: ParameterLayout
    private let files: [String: [UInt8]]
    /// The replay buffer as it is before compression.
    private let replay: [UInt8]
    private static let manifest = "MANIFEST.json", summary = "state.json", replayName = "replay"
    private static let reward = RewardSettings(processWeight: 0, correctBonus: 3, unfinishedPenalty: -1)

    /// - Parameter folder: for the valid checkpoint that is written first.
    init(folder: String) throws {
        let model = TransformerConfiguration(
            hiddenSize: 8, intermediateSize: 8, layerCount: 1, headCount: 2, keyValueHeadCount: 1, headSize: 4, vocabularySize: 11,
            contextLength: 32, endTokens: [10])
        let trainable = Trainable.lora(AdapterConfiguration(rank: 2, alpha: 4, targets: [.query, .up]))
        layout = ParameterLayout(trainable, of: model)
        let numbers = (0..<layout.count).map { Float($0 % 17) / 32 }
        let bits = numbers.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
        var buffer = ReplayBuffer(ReplayBuffer.Settings(capacityPerPrompt: 6))
        buffer.insert((0..<5).map { TrajectoryFormat.group(slot: $0, size: 4) }, reward: Self.reward)
        let root = RootFlow(
            parameters: Array(numbers[..<9]),
            optimizer: AdamW(AdamW.Settings(), step: 7, firstMoments: Array(numbers[..<9]), secondMoments: Array(numbers[..<9])), isInitialised: true)
        let checkpoint = Checkpoint(
            step: 7, seed: 9,
            learner: PolicyLearner.State(
                version: 7, parameters: numbers, optimizer: AdamW(AdamW.Settings(), step: 7, firstMoments: numbers, secondMoments: numbers), root: root),
            published: [Checkpoint.Published(version: 6, bits: bits), Checkpoint.Published(version: 7, bits: bits)], replay: buffer,
            notes: ["kernels": "portable"])
        let path = try checkpoint.write(in: folder, layout: layout, keep: 1) { (side) throws(ModelFileError) in
            try PolicyWeights.write(bits, of: trainable, model: model, baseModel: "tiny", to: side)
        }
        files = try readFolder(path)
        guard let size = Self.integer("replayBytes", in: files[Self.summary] ?? []),
            let replay = Compression().decompress(files[Self.replayName] ?? [], count: size)
        else { throw BrokenInvariant("the replay buffer of the valid checkpoint cannot be found") }
        self.replay = replay
    }

    private static func integer(_ key: ByteString, in json: [UInt8]) -> Int? {
        let value = parsed(json)?[key]
        guard case .integer(let number)? = value else { return nil }
        return number
    }

    private static func parsed(_ json: [UInt8]) -> JSONValue? {
        json.withUnsafeBytes { buffer in
            do throws(ModelFileError) { return try JSONParser.parse(buffer, path: "") } catch { return nil }
        }
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        var mutant = Mutant(files: files)
        for _ in 0..<random.length(atMost: 2) { damage(&mutant, using: &random) }
        if random.chance(0.85) { Self.sign(&mutant) }
        return mutant
    }

    private func damage(_ mutant: inout Mutant, using random: inout FuzzRandom) {
        let file = random.pick([Self.summary, Self.summary, "optimizer.safetensors", Self.replayName, Self.replayName, Self.replayName, Self.manifest])
        var bytes = mutant.files[file] ?? []
        var changes: [String]
        switch file {
        case Self.replayName where random.chance(0.8):
            (bytes, changes) = damagedReplay(using: &random)
            let size = bytes.count
            bytes = Compression().compress(bytes)
            if case .object(let members)? = Self.parsed(mutant.files[Self.summary] ?? []), random.chance(0.9) {
                mutant.files[Self.summary] = JSONValue.object(
                    members.map { $0.key == "replayBytes" ? JSONMember($0.key, .integer(size)) : $0 }
                ).encoded()
            }
        case Self.replayName: changes = [ByteMutator().mutate(&bytes, using: &random)]
        case "optimizer.safetensors": changes = ByteMutator().mutateSafetensors(&bytes, using: &random)
        default: changes = ByteMutator().mutateJSON(&bytes, using: &random)
        }
        mutant.files[file] = bytes
        mutant.changes += changes.map { "\(file) \($0)" }
    }

    /// Damage within the frames of the buffer, or around them, or far too much of nothing.
    private func damagedReplay(using random: inout FuzzRandom) -> ([UInt8], [String]) {
        if random.chance(0.02) { return ([UInt8](repeating: 0, count: 48 << 20), ["48 MB of nothing"]) }
        var bytes = replay
        if random.chance(0.4) {
            let change = ByteMutator().mutate(&bytes, using: &random)
            return (bytes, ["unpacked: \(change)"])
        }
        var reader = ByteReader(replay)
        var writer = ByteWriter()
        var changes: [String] = []
        do throws(ByteReaderError) {
            let count = try reader.readInt()
            let damaged = random.below(count)
            writer.write(count)
            for index in 0..<count {
                var versions: [Int64] = try reader.readArray()
                var frame: [UInt8] = try reader.readArray()
                if index == damaged {
                    if random.chance(0.2), !versions.isEmpty {
                        versions[0] = Int64(bitPattern: InterestingNumbers.pick(near: 6, size: 64, remaining: 64, using: &random))
                        changes.append("version \(versions[0])")
                    } else {
                        changes = ByteMutator().mutateFrame(&frame, using: &random)
                    }
                }
                writer.write(versions)
                writer.write(frame)
            }
        } catch { return (replay, ["\(error)"]) }
        return (writer.bytes, changes)
    }

    /// Makes the manifest say what the files are.
    private static func sign(_ mutant: inout Mutant) {
        let entries = mutant.files.filter { $0.key != manifest }.sorted { $0.key < $1.key }.map { name, bytes in
            JSONValue.object([
                JSONMember("name", JSONValue(name)), JSONMember("size", .integer(bytes.count)), JSONMember("sha256", JSONValue(sha256Hex(bytes))),
            ])
        }
        mutant.files[manifest] = JSONValue.object([JSONMember("format", .integer(2)), JSONMember("files", .array(entries))]).encoded()
        mutant.changes.append("signed")
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let read = try Checkpoint.read(folder, layout: layout)
        let state = read.learner
        try BrokenInvariant.unless(
            state.parameters.count == layout.count && state.optimizer.firstMoments.count == layout.count
                && read.published.allSatisfy { $0.bits.count == layout.count }, "the parameters do not fit the layout")
        try BrokenInvariant.unless(
            read.step >= 0 && state.version >= 0 && state.optimizer.step >= 0 && read.published.allSatisfy { (0...state.version).contains($0.version) },
            "a step or version is negative, or published before its time")
        // What a resumed run does first.
        _ = read.replay.meanAge(at: state.version)
        var replay = read.replay
        let groups = replay.groups(3, size: 2, seed: read.seed, step: read.step, firstSlot: 4, reward: Self.reward)
        try BrokenInvariant.unless(
            groups.allSatisfy { $0.prompt.allSatisfy { $0 >= 0 } && $0.trajectories.allSatisfy { $0.response.allSatisfy { $0 >= 0 } } },
            "a token is negative")
        replay.insert([TrajectoryFormat.group(slot: 1, size: 8)], reward: Self.reward)
        let written = try read.write(in: "\(folder)/written", layout: layout, keep: 1) { (_) throws(ModelFileError) in }
        let again: Checkpoint
        do throws(CheckpointError) { again = try Checkpoint.read(written, layout: layout) } catch {
            throw BrokenInvariant("the checkpoint that was written of it is refused: \(error)")
        }
        // Numbers may be NaN, which is not equal to itself.
        func text(_ checkpoint: Checkpoint) -> String {
            "\(checkpoint.step) \(checkpoint.seed) \(checkpoint.learner) \(checkpoint.published) \(checkpoint.notes)"
        }
        try BrokenInvariant.unless(text(again) == text(read) && again.replay.count == read.replay.count, "written and read again it is something else")
    }

    func isRefusal(_ error: any Error) -> Bool { error is CheckpointError }
}
