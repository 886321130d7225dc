import Foundation
import TestSupport
import Testing

@testable import Model

@Suite("Export: a GGUF adapter is what llama.cpp computes with")
struct GGUFAdapterTests {
    private typealias Strength = AdapterConfiguration.Strength

    private static func model(_ type: String) -> TransformerConfiguration {
        TransformerConfiguration(
            hiddenSize: 12, intermediateSize: 10, layerCount: 2, headCount: 2, keyValueHeadCount: 1, headSize: 6, vocabularySize: 4,
            contextLength: 8, modelType: type)
    }

    private static func matrices(
        _ configuration: AdapterConfiguration, _ model: TransformerConfiguration
    ) -> [AdapterPlace: AdapterMatrices] {
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        for (place, strength) in configuration.places(layerCount: model.layerCount) {
            let (outputs, inputs) = model.extents(of: place.kind)
            let seed = 7 * place.kind.rawValue + place.layer
            func numbers(_ count: Int) -> [Float] { (0..<count).map { Float(($0 * 31 + seed) % 53 - 26) / 37 } }
            matrices[place] = AdapterMatrices(a: numbers(strength.rank * inputs), b: numbers(outputs * strength.rank))
        }
        return matrices
    }

    private static func values(_ file: GGUFFile, _ name: String) throws -> (shape: [Int], values: [Float]) {
        let tensor = try #require(file.tensors[name], "there is no \(name)")
        #expect(tensor.format == .f32)
        var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for row in 0..<tensor.rowCount { file.readRow(row, of: tensor, into: base + row * (tensor.shape.last ?? 1)) }
        }
        return (tensor.shape, values)
    }

    private static let names: [LinearKind: String] = [
        .query: "attn_q", .key: "attn_k", .value: "attn_v", .output: "attn_output", .gate: "ffn_gate", .up: "ffn_up", .down: "ffn_down",
    ]

    /// The rows of a head in llama.cpp's order: `reshape(heads, 2, size / 2, …).swapaxes(1, 2)` of its converter.
    private static func permuted(_ b: [Float], rank: Int, headSize: Int) -> [Float] {
        (0..<b.count / rank / headSize).flatMap { head in
            (0..<headSize / 2).flatMap { pair in
                [0, 1].flatMap { half in
                    let row = head * headSize + half * headSize / 2 + pair
                    return Array(b[row * rank..<(row + 1) * rank])
                }
            }
        }
    }

    @Test("with one rank and alpha the matrices are as they were, but for the rows of q and k in Llama", arguments: ["llama", "qwen2"])
    func plain(type: String) throws {
        let model = Self.model(type), configuration = AdapterConfiguration(rank: 3, alpha: 5, targets: LinearKind.allCases)
        let matrices = Self.matrices(configuration, model)
        try withScratchFolder { folder in
            let path = "\(folder.path)/a.gguf"
            try GGUFAdapter.write(path, configuration: configuration, matrices: matrices, model: model)
            let file = try GGUFFile(path)
            #expect(file.metadata["general.type"] == .string("adapter") && file.metadata["adapter.type"] == .string("lora"))
            #expect(file.metadata["general.architecture"] == .string(ByteString(type)) && file.metadata["adapter.lora.alpha"] == .number(5))
            #expect(file.tensors.count == 28)
            for (place, factors) in matrices {
                let name = "blk.\(place.layer).\(Self.names[place.kind] ?? "").weight"
                let (outputs, inputs) = model.extents(of: place.kind), isTurned = type == "llama" && [.query, .key].contains(place.kind)
                #expect(try Self.values(file, "\(name).lora_a") == ([3, inputs], factors.a), "\(name)")
                let b = isTurned ? Self.permuted(factors.b, rank: 3, headSize: 6) : factors.b
                #expect(try Self.values(file, "\(name).lora_b") == ([outputs, 3], b), "\(name)")
                #expect(!isTurned || b != factors.b)
            }
        }
    }

    @Test("ranks and alphas of places and rsLoRA are in alpha / rank · B", arguments: [false, true])
    func differing(rankStabilised: Bool) throws {
        let model = Self.model("qwen2")
        let places: [AdapterPlace: Strength] = [
            .init(layer: 0, kind: .query): .init(rank: 4, alpha: 6), .init(layer: 1, kind: .query): .init(rank: 4, alpha: 6),
            .init(layer: 0, kind: .key): .init(rank: 4, alpha: 24), .init(layer: 0, kind: .down): .init(rank: 9, alpha: 6),
            .init(layer: 1, kind: .gate): .init(rank: 2, alpha: 0), .init(layer: 1, kind: .up): .init(rank: 3, alpha: -1.7),
        ]
        let configuration = AdapterConfiguration(places, layerCount: 2, rankStabilised: rankStabilised)
        let matrices = Self.matrices(configuration, model)
        try withScratchFolder { folder in
            let path = "\(folder.path)/a.gguf"
            try GGUFAdapter.write(path, configuration: configuration, matrices: matrices, model: model)
            let file = try GGUFFile(path)
            #expect(file.metadata["adapter.lora.alpha"] == .number(rankStabilised ? 12 : 6))
            for (place, strength) in places {
                let name = "blk.\(place.layer).\(Self.names[place.kind] ?? "").weight.lora_b", factors = try #require(matrices[place])
                let (shape, b) = try Self.values(file, name)
                // As llama.cpp does: one alpha, and the rank of the matrix.
                let scale = (rankStabilised ? 12 : 6) / Double(shape[1])
                let exact = Double(strength.alpha) / (rankStabilised ? Double(strength.rank).squareRoot() : Double(strength.rank))
                expectClose(b.map { scale * Double($0) }, factors.b.map { exact * Double($0) }, relative: 1.2e-7, "\(name)")
                // The usual ones are left alone, and a power of two is exact.
                if strength == .init(rank: 4, alpha: 6) { #expect(b == factors.b) }
                if strength.alpha == 24 { #expect(b == factors.b.map { 4 * $0 }) }
            }
        }
    }

    @Test("an alpha of 0, which llama.cpp takes for none, is in the matrices")
    func zero() throws {
        let model = Self.model("llama"), configuration = AdapterConfiguration(rank: 2, alpha: 0, targets: [.value])
        try withScratchFolder { folder in
            try GGUFAdapter.write(
                "\(folder.path)/a.gguf", configuration: configuration, matrices: Self.matrices(configuration, model), model: model)
            let file = try GGUFFile("\(folder.path)/a.gguf")
            #expect(file.metadata["adapter.lora.alpha"] == .number(1))
            #expect(try Self.values(file, "blk.1.attn_v.weight.lora_b").values.allSatisfy { $0 == 0 })
        }
    }
}
