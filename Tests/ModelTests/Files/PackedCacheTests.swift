import Foundation
import Tensor
import TestSupport
import Testing

@testable import Model

@Suite("Packed weights in files that processes share")
struct PackedCacheTests {
    private let model = ownFixtures.appendingPathComponent("nano-tied-f32/checkpoint")

    /// What a policy on the base gives: with `gradients` also the gradient of an adapter.
    private struct Result: Equatable {
        var scores: [[ResponseScores]]
        var gradient: [Float]
    }

    private let groups = [TokenGroup(prompt: [5, 6, 7], responses: [[8, 9, 10, 11], [12, 40]])]

    private func result(
        _ model: URL, _ cache: PackedCache?, precision: Precision = .bf16, gradients: Bool = true, threads: Int = 1
    ) throws -> (Result, note: String?) {
        let parallel = Parallel(threads: threads)
        let base = try BaseModel(
            try ModelFiles.open(model.path), precision: precision, gradients: gradients, parallel: parallel, cache: cache)
        let policy = Policy(base: base, trainable: .lora(tinyAdapter), parallel: parallel)
        policy.adopt(values: try tinyParameters(policy, scale: 15), version: 1)
        let forward = policy.forward(groups, recording: gradients)
        var gradient = [Float](repeating: 0, count: policy.layout.count)
        if gradients { policy.backward(forward, weights: randomWeights(groups), into: &gradient) }
        return (Result(scores: forward.scores, gradient: gradient), base.cacheNote)
    }

    private func files(_ folder: URL, ending suffix: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(suffix) }.sorted { $0.path < $1.path }
    }

    private func inode(_ url: URL) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: url.path)[.systemFileNumber] as? Int)
    }

    @Test("a start that packs, one that maps, and one without files have the same bits", arguments: Precision.allCases)
    func sameBits(precision: Precision) throws {
        try withScratchFolder { folder in
            let cache = PackedCache(folder: folder.path)
            let expected = try result(model, nil, precision: precision).0
            for threads in [1, 3] {
                let (found, note) = try result(model, cache, precision: precision, threads: threads)
                #expect(found == expected && note == nil)
            }
            #expect(try files(folder, ending: ".forward").count == 1 && files(folder, ending: ".transposed").count == 1)
            #expect(try files(folder, ending: ".lock").count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("partial") }.isEmpty)
        }
    }

    @Test("a backward's matrices are added to what a forward pass has, and each model and precision has files of its own")
    func parts() throws {
        try withScratchFolder { folder in
            let cache = PackedCache(folder: folder.path)
            _ = try result(model, cache, gradients: false)
            let forward = try #require(try files(folder, ending: ".forward").first), before = try inode(forward)
            #expect(try files(folder, ending: ".transposed").isEmpty)
            #expect(try result(model, cache).0 == result(model, nil).0)
            #expect(try inode(forward) == before && files(folder, ending: ".transposed").count == 1)
            _ = try result(model, cache, precision: .fp32)
            #expect(try files(folder, ending: ".forward").count == 2)

            // The same path with other content.
            let other = folder.appendingPathComponent("model")
            try FileManager.default.copyItem(at: model, to: other)
            let weights = other.appendingPathComponent("model.safetensors")
            #expect(try result(other, cache).0 == result(model, nil).0)
            #expect(try files(folder, ending: ".forward").count == 2)
            var bytes = try Data(contentsOf: weights)
            bytes[bytes.count - 2] ^= 0x20
            try bytes.write(to: weights)
            #expect(try result(other, cache).0 == result(other, nil).0)
            #expect(try files(folder, ending: ".forward").count == 3)
        }
    }

    @Test("a file that was damaged or cut is made again, and a note says so", arguments: [true, false])
    func damage(isCut: Bool) throws {
        try withScratchFolder { folder in
            let cache = PackedCache(folder: folder.path), expected = try result(model, nil).0
            _ = try result(model, cache)
            let file = try #require(try files(folder, ending: ".transposed").first), before = try inode(file)
            var bytes = try Data(contentsOf: file)
            let whole = bytes
            if isCut { bytes.removeLast(100) } else { bytes[5000] ^= 1 }
            try bytes.write(to: file)
            let (found, note) = try result(model, cache)
            #expect(found == expected)
            #expect(try #require(note).contains(file.lastPathComponent) && #require(note).contains("made again"))
            #expect(try Data(contentsOf: file) == whole && inode(file) != before)
            #expect(try result(model, cache).note == nil)
        }
    }

    @Test("what a process that was killed has left goes")
    func leftovers() throws {
        try withScratchFolder { folder in
            let cache = PackedCache(folder: folder.path)
            _ = try result(model, cache)
            let file = try #require(try files(folder, ending: ".forward").first)
            try FileManager.default.moveItem(at: file, to: URL(fileURLWithPath: file.path + ".partial-1"))
            #expect(try result(model, cache).0 == result(model, nil).0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("partial") }.isEmpty)
        }
    }

    @Test("where no file can be made, the weights are packed in memory, and a note says why")
    func noFolder() throws {
        try withScratchFolder { folder in
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            let (found, note) = try result(model, PackedCache(folder: file.path + "/cache"))
            #expect(try found == result(model, nil).0)
            #expect(try #require(note).contains("file") && #require(note).contains("in memory"))
        }
    }

    @Test("where the system gives no memory for the weights, that is an error with their size")
    func noMemory() throws {
        // More than an address space holds.
        let huge = TransformerConfiguration(
            hiddenSize: 64, intermediateSize: 64, layerCount: 1, headCount: 1, keyValueHeadCount: 1, headSize: 64, vocabularySize: 1 << 44,
            contextLength: 8, tiedEmbeddings: true, beginToken: 1, endTokens: [2])
        let model = try UnloadedModel(randomly: huge, seed: 1, precision: .bf16, parallel: .serial)
        #expect(throws: ModelFileError.noMemory(part: "forward", byteCount: model.byteCount(.forward))) {
            _ = try BaseModel(model, gradients: false)
        }
        let sentence = ModelFileError.noMemory(part: "forward", byteCount: 5 << 30).description
        #expect(sentence.contains("5121 MiB") && sentence.contains("fewer ranks"))
    }

    @Test("small models and random ones have no files")
    func none() throws {
        try withScratchFolder { folder in
            _ = try result(model, PackedCache(folder: folder.path, minimumByteCount: 1 << 30))
            let random = try UnloadedModel(randomly: tinyConfiguration, seed: 1, precision: .bf16, parallel: .serial)
            _ = try BaseModel(random, gradients: true, cache: PackedCache(folder: folder.path))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }
}
