import Collective
import Foundation
@testable import Learner
import Model
import TestSupport
import Testing

private func temporaryFolder() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("gfn-checkpoint-\(UUID().uuidString)").path
}

/// A run's loop without its ranks: learn from fresh groups, replay, remember.
private struct TinyRun {
    let learner: PolicyLearner
    var replay: ReplayBuffer
    var step: Int

    mutating func advance(_ count: Int) throws {
        for _ in 0..<count {
            let fresh = TinyTask.groups(3, of: learner.policy, step: step)
            let replayed = replay.groups(2, size: 2, seed: 9, step: step, firstSlot: 3, reward: TinyTask.reward)
            guard case .stepped = try learner.update(on: fresh + replayed) else { throw CancellationError() }
            replay.insert(fresh, reward: TinyTask.reward)
            step += 1
        }
    }

    func checkpoint() -> Checkpoint {
        Checkpoint(
            step: step, seed: 9, learner: learner.state,
            published: [Checkpoint.Published(version: learner.version, bits: learner.publishedBits)], replay: replay,
            notes: ["kernels": "portable"])
    }

    func write(in folder: String, keep: Int = 3) throws -> String {
        try checkpoint().write(in: folder, layout: learner.policy.layout, keep: keep) { (side) throws(ModelFileError) in
            try PolicyWeights.write(
                learner.publishedBits, of: learner.policy.trainable, model: TinyTask.configuration, baseModel: "tiny", to: side)
        }
    }
}

@Suite("Checkpoints") struct CheckpointTests {
    private func fresh(_ learners: any Communicator, _ adapter: AdapterConfiguration = TinyTask.adapter) throws -> TinyRun {
        TinyRun(learner: try TinyTask.learner(learners, trainable: .lora(adapter)), replay: ReplayBuffer(ReplayBuffer.Settings(capacityPerPrompt: 6)), step: 0)
    }

    @Test("a checkpoint of an adapter whose places differ holds that adapter, and state of its layout")
    func unevenAdapter() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, state, layout) = try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners, TinyTask.unevenAdapter)
            try run.advance(2)
            return (try run.write(in: folder), run.learner.state, run.learner.policy.layout)
        }[0]
        #expect(try Checkpoint.read(path, layout: layout).learner == state)
        let adapter = try AdapterFolder.read(path, for: TinyTask.configuration)
        #expect(adapter.configuration == TinyTask.unevenAdapter && layout.adapters.map(\.place) == adapter.matrices.keys.sorted())
    }

    @Test("four steps are two, saved, read by another number of learners, and two more: bit for bit", arguments: [1, 2])
    func resume(ranks: Int) throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let whole = try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(4)
            return (run.learner.state, run.replay)
        }[0]
        let path = try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(2)
            return try run.write(in: folder)
        }[0]
        let resumed = try runInProcess(ranks: ranks) { learners in
            let start = try TinyTask.learner(learners)
            let read = try Checkpoint.read(path, layout: start.policy.layout)
            let learner = PolicyLearner(
                policy: start.policy, settings: start.settings, reward: TinyTask.reward, learners: learners, state: read.learner)
            #expect(read.published.map(\.bits) == [learner.publishedBits] && read.notes == ["kernels": "portable"] && read.seed == 9)
            var run = TinyRun(learner: learner, replay: read.replay, step: read.step)
            try run.advance(2)
            return (run.learner.state, run.replay)
        }
        for result in resumed { #expect(result.0 == whole.0 && result.1 == whole.1) }
    }

    @Test("a checkpoint is refused in one sentence when a file is cut, changed, missing or of another run")
    func damage() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(1)
            let earlier = try run.write(in: folder)
            try run.advance(1)
            let path = try run.write(in: folder)
            let layout = run.learner.policy.layout
            #expect(Checkpoint.search(in: folder).newest == path)
            #expect(try String(contentsOfFile: "\(folder)/latest", encoding: .utf8) == "step-2\n")

            let replay = URL(fileURLWithPath: "\(path)/replay")
            let bytes = try Data(contentsOf: replay)
            try bytes.dropLast().write(to: replay)
            #expect(throws: CheckpointError.size(path: replay.path, expected: bytes.count, found: bytes.count - 1)) {
                try Checkpoint.read(path, layout: layout)
            }
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            try changed.write(to: replay)
            #expect(throws: CheckpointError.digest(path: replay.path)) { try Checkpoint.read(path, layout: layout) }
            #expect(Checkpoint.search(in: folder).newest == earlier)
            try FileManager.default.removeItem(at: replay)
            #expect(throws: CheckpointError.missing(path: replay.path)) { try Checkpoint.read(path, layout: layout) }
            try FileManager.default.removeItem(atPath: "\(path)/MANIFEST.json")
            #expect(throws: CheckpointError.missing(path: "\(path)/MANIFEST.json")) { try Checkpoint.read(path, layout: layout) }

            let other = ParameterLayout(
                .lora(AdapterConfiguration(rank: 4, alpha: 4, targets: [.query])), of: TinyTask.configuration)
            #expect { try Checkpoint.read(earlier, layout: other) } throws: { "\($0)".contains("the configuration makes it") }
            return ()
        }
    }

    @Test("a checkpoint whose digests are right is refused all the same when a run could not go on with its numbers")
    func signedNonsense() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(2)
            let path = try run.write(in: folder)
            let layout = run.learner.policy.layout
            let (state, manifest) = ("\(path)/state.json", "\(path)/MANIFEST.json")
            let (goodState, goodManifest) = (try Data(contentsOf: URL(fileURLWithPath: state)), try Data(contentsOf: URL(fileURLWithPath: manifest)))
            func sign(_ bytes: Data, as name: String, in text: String) throws -> String {
                let pattern = "\"name\" : \"\(name)\",\n      \"sha256\" : \"[0-9a-f]*\",\n      \"size\" : [0-9]*"
                let range = try #require(text.range(of: pattern, options: .regularExpression))
                return text.replacingCharacters(
                    in: range, with: "\"name\" : \"\(name)\",\n      \"sha256\" : \"\(sha256Hex(Array(bytes)))\",\n      \"size\" : \(bytes.count)")
            }
            for (key, value) in [
                ("step", "-1"), ("step", "9223372036854775807"), ("policyVersion", "-3"), ("optimizerStep", "268435456"), ("replayBytes", "-1"),
                ("replayBytes", "4611686018427387904"), ("beta1", "1"), ("epsilon", "-1"), ("capacityPerPrompt", "-5"), ("publishedVersions", "[9]"),
            ] {
                let text = try #require(String(data: goodState, encoding: .utf8))
                let range = try #require(text.range(of: "\"\(key)\" : (\\[[^\\]]*\\]|[-0-9.e]+)", options: .regularExpression))
                let bytes = Data(text.replacingCharacters(in: range, with: "\"\(key)\" : \(value)").utf8)
                try bytes.write(to: URL(fileURLWithPath: state))
                let signed = try sign(bytes, as: "state.json", in: try #require(String(data: goodManifest, encoding: .utf8)))
                try Data(signed.utf8).write(to: URL(fileURLWithPath: manifest))
                #expect("\(key) \(value)") { try Checkpoint.read(path, layout: layout) } throws: {
                    if case .malformed? = $0 as? CheckpointError { true } else { false }
                }
            }
            try goodState.write(to: URL(fileURLWithPath: state))
            for (old, new) in [("\"replay\"", "\"../replay\""), ("\"replay\"", "\"state.json\""), ("\"optimizer.safetensors\"", "\"/etc/passwd\"")] {
                let text = try #require(String(data: goodManifest, encoding: .utf8))
                try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: URL(fileURLWithPath: manifest))
                #expect(throws: CheckpointError.self) { try Checkpoint.read(path, layout: layout) }
            }
            try goodManifest.write(to: URL(fileURLWithPath: manifest))
            let read = try Checkpoint.read(path, layout: layout)
            try read.check(for: TinyTask.configuration, path: path)
            var narrower = TinyTask.configuration
            narrower.vocabularySize = 3
            #expect { try read.check(for: narrower, path: path) } throws: { "\($0)".contains("token") }
            return ()
        }
    }

    /// A value head that has taken steps.
    private func values(width: Int) -> ValueHead {
        let numbers = (0...width).map { Float($0) / 8 - 1 }
        return ValueHead(
            LinearHead(
                parameters: numbers,
                optimizer: AdamW(AdamW.Settings(beta2: 0.99), step: 5, firstMoments: numbers.reversed(), secondMoments: numbers)))
    }

    @Test("the value head of a state is read as it was written; without one there is nothing of it, as in earlier checkpoints")
    func valueHead() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(1)
            let layout = run.learner.policy.layout
            for head in [nil, values(width: 16)] {
                var checkpoint = run.checkpoint()
                checkpoint.step += head == nil ? 0 : 1
                checkpoint.learner.values = head
                let path = try checkpoint.write(in: folder, layout: layout, keep: 3) { (_) throws(ModelFileError) in }
                let read = try Checkpoint.read(path, layout: layout)
                try read.check(for: TinyTask.configuration, path: path)
                #expect(read.learner == checkpoint.learner && read.learner.values == head)
                let names = try SafetensorsFile("\(path)/optimizer.safetensors").names.filter { $0.hasPrefix("value.") }.sorted()
                #expect(names == (head == nil ? [] : ["value.first_moments", "value.parameters", "value.second_moments"]))
                #expect(try String(contentsOfFile: "\(path)/state.json", encoding: .utf8).contains("valueStep") == (head != nil))
            }
            return ()
        }
    }

    @Test("a value head of another width than the model's is refused, and so are moments or a step that do not fit it")
    func damagedValueHead() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(1)
            let layout = run.learner.policy.layout
            var checkpoint = run.checkpoint()
            checkpoint.learner.values = values(width: 15)
            let path = try checkpoint.write(in: folder, layout: layout, keep: 3) { (_) throws(ModelFileError) in }
            let narrow = try Checkpoint.read(path, layout: layout)
            #expect(throws: CheckpointError.mismatch(path: path, field: "the width of V", expected: "16", found: "15")) {
                try narrow.check(for: TinyTask.configuration, path: path)
            }

            // The same with files that the manifest agrees with.
            checkpoint.learner.values = values(width: 16)
            (checkpoint.learner.root, checkpoint.published) = (nil, [])
            checkpoint.step = 8
            let whole = try checkpoint.write(in: folder, layout: layout, keep: 3) { (_) throws(ModelFileError) in }
            let state = checkpoint.learner, numbers = [Float](repeating: 0.5, count: 17)
            let stateText = try String(contentsOfFile: "\(whole)/state.json", encoding: .utf8)
            func damaged(_ step: Int, moments: Int, valueStep: Int) throws -> String {
                let path = "\(folder)/step-\(step)"
                let text = stateText.replacingOccurrences(of: "\"valueStep\" : 5", with: "\"valueStep\" : \(valueStep)")
                try CheckpointFiles.write(path) { (side) throws(CheckpointError) in
                    try CheckpointFiles.write(CheckpointFiles.read("\(whole)/replay"), to: "\(side)/replay")
                    try CheckpointFiles.write(Array(text.utf8), to: "\(side)/state.json")
                    try CheckpointFiles.attempt(side) {
                        try SafetensorsWriter.write(
                            [
                                ("parameters", state.parameters), ("first_moments", state.optimizer.firstMoments),
                                ("second_moments", state.optimizer.secondMoments), ("value.parameters", numbers),
                                ("value.first_moments", numbers), ("value.second_moments", Array(numbers.prefix(moments))),
                            ].map { SafetensorsWriter.Tensor(name: $0, shape: [$1.count], values: .float32($1)) },
                            to: "\(side)/optimizer.safetensors")
                    }
                }
                return path
            }
            let good = try damaged(9, moments: 17, valueStep: 6)
            #expect(try Checkpoint.read(good, layout: layout).learner.values?.head.optimizer.step == 6)
            let short = try damaged(10, moments: 16, valueStep: 5)
            let expected = CheckpointError.mismatch(
                path: "\(short)/optimizer.safetensors", field: "the size of value.second_moments", expected: "17", found: "16")
            #expect(throws: expected) { try Checkpoint.read(short, layout: layout) }
            let negative = try damaged(11, moments: 17, valueStep: -1)
            #expect { try Checkpoint.read(negative, layout: layout) } throws: { "\($0)".contains("valueStep is -1") }
            return ()
        }
    }

    @Test("a replay buffer that compresses like a bomb is written as it is, and both are read")
    func packing() {
        var random = SystemRandomNumberGenerator()
        let noise = (0..<5 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
        let nothing = [UInt8](repeating: 0, count: 5 << 20)
        #expect(Checkpoint.packed(noise).count > noise.count / 2)
        #expect(Checkpoint.packed(nothing) == nothing)
        #expect(Checkpoint.packed(Array(nothing.prefix(1 << 20))).count < 1000)
    }

    @Test("an interrupted attempt is not taken for a checkpoint, and does not stand in the way of the next")
    func interrupted() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(Checkpoint.search(in: folder).newest == nil)
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            try run.advance(1)
            struct Stop: Error {}
            let layout = run.learner.policy.layout
            #expect(throws: CheckpointError.self) {
                try run.checkpoint().write(in: folder, layout: layout, keep: 2) { (side) throws(ModelFileError) in
                    throw .unwritable(path: side, reason: "the disk is full")
                }
            }
            #expect(Checkpoint.search(in: folder).newest == nil)
            #expect(try run.write(in: folder) == Checkpoint.search(in: folder).newest)
            return ()
        }
    }

    @Test("old checkpoints go, and the adapter inside is a PEFT folder with the policy's weights")
    func kept() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try runInProcess(ranks: 1) { learners in
            var run = try fresh(learners)
            for _ in 0..<4 {
                try run.advance(1)
                _ = try run.write(in: folder, keep: 2)
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names == ["latest", "step-3", "step-4"])
            let (configuration, matrices) = try AdapterFolder.read("\(folder)/step-4", for: TinyTask.configuration)
            #expect(configuration == TinyTask.adapter)
            let values = run.learner.publishedBits.map { Float(bitPattern: UInt32($0) << 16) }
            let expected = run.learner.policy.layout.entries.map { Array(values[$0.range]) }
            #expect(matrices.sorted { $0.key < $1.key }.flatMap { [$0.value.a, $0.value.b] } == expected)
            return ()
        }
    }

    @Test("SHA-256 is that of the standard")
    func digest() {
        #expect(sha256Hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(sha256Hex([0x6261] as [UInt16]) == sha256Hex(Array("ab".utf8)))
    }
}
