import Foundation
import Tensor
import TestSupport
import Testing

@testable import Model

@Suite("Export: a merged model is the base with s·BA in its weights")
struct MergedModelTests {
    typealias Adapter = (configuration: AdapterConfiguration, matrices: [AdapterPlace: AdapterMatrices])

    /// W + s·BA of an adapted matrix in double precision; nil where a tensor has no adapter.
    private static func twin(_ name: String, _ model: ModelFiles, _ adapter: Adapter) throws -> [Double]? {
        let places = adapter.configuration.places(layerCount: model.configuration.layerCount)
        guard let (place, strength) = places.first(where: { "\($0.place.path).weight" == name }) else { return nil }
        let matrices = try #require(adapter.matrices[place])
        let (base, scaling) = (try model.weights.read(name), Double(adapter.configuration.scaling(of: strength)))
        let inputs = model.configuration.extents(of: place.kind).inputs, rank = strength.rank
        return base.indices.map { index in
            (0..<rank).reduce(Double(base[index])) { sum, k in
                sum + scaling * Double(matrices.b[index / inputs * rank + k]) * Double(matrices.a[k * inputs + index % inputs])
            }
        }
    }

    private static func nano() throws -> (case: CheckpointCase, adapter: Adapter) {
        let nano = try CheckpointCase(ownFixtures.appendingPathComponent("nano-tied-f32"))
        return (nano, try AdapterFolder.read(nano.adapterPath, for: nano.model.configuration))
    }

    private static func bytes(_ file: SafetensorsFile, _ name: String) -> [UInt8]? { file.withBytes(of: name) { Array($0) } }

    @Test("adapted weights are PEFT's, rounded once; everything else keeps its bytes, whatever the threads")
    func folders() throws {
        var count = 0, closest = 0.0
        for example in try FixtureWalk.checkpoints() {
            let adapter = try AdapterFolder.read(example.adapterPath, for: example.model.configuration)
            try withScratchFolder { folder in
                let (one, three) = ("\(folder.path)/one", "\(folder.path)/three")
                try MergedModel(example.model, adapter: adapter, parallel: .serial).write(one)
                try MergedModel(example.model, adapter: adapter, parallel: Parallel(threads: 3)).write(three)
                let names = try FileManager.default.contentsOfDirectory(atPath: example.model.path).sorted()
                #expect(try FileManager.default.contentsOfDirectory(atPath: one).sorted() == names)
                for name in names {
                    #expect(FileManager.default.contentsEqual(atPath: "\(one)/\(name)", andPath: "\(three)/\(name)"), "\(name)")
                    guard name.hasSuffix(".safetensors") else {
                        let original = "\(example.model.path)/\(name)"
                        #expect(FileManager.default.contentsEqual(atPath: "\(one)/\(name)", andPath: original), "\(name)")
                        continue
                    }
                    let (source, merged) = (try SafetensorsFile("\(example.model.path)/\(name)"), try SafetensorsFile("\(one)/\(name)"))
                    #expect(source.names == merged.names && source.metadata == merged.metadata)
                    for entry in source.entries {
                        guard let exact = try Self.twin(entry.name, example.model, adapter) else {
                            #expect(Self.bytes(source, entry.name) == Self.bytes(merged, entry.name), "\(entry.name)")
                            continue
                        }
                        #expect(merged.entry(entry.name)?.type == entry.type)
                        // Half of the last bit that the type has; single precision's own error is in the absolute part.
                        let half = entry.type == .bfloat16 ? 0x1p-8 : entry.type == .float16 ? 0x1p-11 : 0.0
                        let values = try merged.read(entry.name)
                        closest = max(closest, expectClose(values, exact, relative: half, absolute: 1e-6, "\(example.name) \(entry.name)"))
                        if example.lora.shape(of: "merged.\(entry.name)") != nil {
                            expectClose(values, try example.lora.read("merged.\(entry.name)"), relative: half, absolute: 1e-6, entry.name)
                        }
                        count += 1
                    }
                }
                _ = try ModelFiles.open(one).requireTokenizer()
            }
        }
        #expect(FixtureWalk.ran(count, "merged tensors", closest: closest))
    }

    @Test("a product of many ranks and columns is that of double precision, in every block of rows")
    func wide() throws {
        let (rank, inputs, outputs) = (5, 5000, 21)
        func numbers(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed) % 101 - 50) / 64 } }
        let matrices = AdapterMatrices(a: numbers(rank * inputs, 3), b: numbers(outputs * rank, 8)), base = numbers(outputs * inputs, 5)
        let update = LowRankUpdate(matrices, rank: rank, scaling: 0.75)
        var sums = base
        sums.withUnsafeMutableBufferPointer { sums in
            guard let start = sums.baseAddress else { return }
            update.add(toRows: 0..<9, at: start, parallel: Parallel(threads: 2))
            update.add(toRows: 9..<outputs, at: start + 9 * inputs, parallel: .serial)
        }
        let exact = base.indices.map { index in
            (0..<rank).reduce(Double(base[index])) {
                $0 + 0.75 * Double(matrices.b[index / inputs * rank + $1]) * Double(matrices.a[$1 * inputs + index % inputs])
            }
        }
        // Numbers of seven bits: each product and sum is exact, whatever the order.
        #expect(sums.map(Double.init) == exact)
    }

    @Test("shards keep their names, their tensors and their index")
    func shards() throws {
        let (nano, adapter) = try Self.nano()
        let source = try SafetensorsFile("\(nano.model.path)/model.safetensors")
        try withScratchFolder { folder in
            let base = "\(folder.path)/base"
            try SideFile.makeFolder(base)
            try ModelFolder.copyCompanions(from: nano.model.path, to: base)
            var map: [String] = []
            for (shard, entries) in [source.entries.prefix(4), source.entries.dropFirst(4)].enumerated() {
                let name = "model-0000\(shard + 1)-of-00002.safetensors"
                try SafetensorsWriter.write(
                    try entries.map { .init(name: $0.name, shape: $0.shape, values: .float32(try source.read($0.name))) },
                    to: "\(base)/\(name)")
                map += entries.map { "\"\($0.name)\": \"\(name)\"" }
            }
            let index = "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\(map.joined(separator: ", "))}}"
            try Data(index.utf8).write(to: URL(fileURLWithPath: "\(base)/model.safetensors.index.json"))
            let (whole, parts) = ("\(folder.path)/whole", "\(folder.path)/parts")
            try MergedModel(nano.model, adapter: adapter, parallel: .serial).write(whole)
            try MergedModel(try ModelFiles.open(base), adapter: adapter, parallel: .serial).write(parts)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: parts).sorted()
                    == FileManager.default.contentsOfDirectory(atPath: base).sorted())
            let name = "model.safetensors.index.json"
            #expect(FileManager.default.contentsEqual(atPath: "\(parts)/\(name)", andPath: "\(base)/\(name)"))
            let (merged, expected) = (try ModelFiles.open(parts).weights, try ModelFiles.open(whole).weights)
            for name in source.names { #expect(try merged.read(name) == expected.read(name), "\(name)") }
        }
    }

    @Test("half precision is rounded once, and a weight that it cannot hold is refused by name")
    func halfPrecision() throws {
        let (nano, adapter) = try Self.nano()
        let source = try SafetensorsFile("\(nano.model.path)/model.safetensors")
        try withScratchFolder { folder in
            let base = "\(folder.path)/base", place = AdapterPlace(layer: 0, kind: .down)
            try SideFile.makeFolder(base)
            try ModelFolder.copyCompanions(from: nano.model.path, to: base)
            try SafetensorsWriter.write(
                source.entries.map { ($0.name, $0.shape, .float16) }, metadata: [:], to: "\(base)/model.safetensors"
            ) { (index, file) throws(ModelFileError) in
                try source.read(source.entries[index].name).map { UInt16(float16Bits: $0) }.withUnsafeBytes { file.write($0) }
            }
            let model = try ModelFiles.open(base)
            try MergedModel(model, adapter: adapter, parallel: .serial).write("\(folder.path)/merged")
            let exact = try #require(try Self.twin("\(place.path).weight", model, adapter))
            let merged = try SafetensorsFile("\(folder.path)/merged/model.safetensors")
            #expect(merged.entry("\(place.path).weight")?.type == .float16)
            expectClose(try merged.read("\(place.path).weight"), exact, relative: 0x1p-11, absolute: 1e-7)

            var large = adapter
            large.matrices[place]?.b = try #require(adapter.matrices[place]).b.map { 1e7 * $0 }
            let error = #expect(throws: ModelFileError.self) {
                try MergedModel(model, adapter: large, parallel: .serial).write("\(folder.path)/large")
            }
            let text = error?.description ?? ""
            for part in ["\(place.path).weight with the adapter", "F16", "export the adapter by itself"] {
                #expect(text.contains(part), "\(text)")
            }
            let stopped = MergedModel(model, adapter: adapter, parallel: .serial) { true }
            #expect(throws: ModelFileError.self) { try stopped.write("\(folder.path)/stopped") }
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/stopped/model.safetensors"))
        }
    }

    @Test("a GGUF base becomes a folder in bfloat16 with its tokenizer, rounded once after the adapter is added")
    func quantised() throws {
        for gguf in try FixtureWalk.ggufs() {
            let model = gguf.model, shape = model.configuration
            let configuration = AdapterConfiguration(rank: 3, alpha: 5, targets: [.query, .value, .down])
            var adapter: Adapter = (configuration, [:])
            for (place, strength) in configuration.places(layerCount: shape.layerCount) {
                let (outputs, inputs) = shape.extents(of: place.kind)
                func numbers(_ count: Int) -> [Float] { (0..<count).map { Float(($0 * 29 + place.layer) % 17 - 8) / 90 } }
                adapter.matrices[place] = AdapterMatrices(a: numbers(strength.rank * inputs), b: numbers(outputs * strength.rank))
            }
            try withScratchFolder { folder in
                let path = "\(folder.path)/merged"
                try MergedModel(model, adapter: adapter, parallel: .serial).write(path)
                let merged = try ModelFiles.open(path)
                #expect(merged.configuration == shape)
                for (name, _) in shape.tensorShapes {
                    let exact = try Self.twin(name, model, adapter) ?? model.weights.read(name).map(Double.init)
                    expectClose(try merged.weights.read(name), exact, relative: 0x1p-8, absolute: 1e-7, "\(gguf.name) \(name)")
                }
                let text = "To be, or not to be: 42 + 17 = 59"
                #expect(try merged.requireTokenizer().encode(text) == model.requireTokenizer().encode(text))
            }
        }
    }
}
