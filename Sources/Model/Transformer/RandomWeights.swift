internal import Tensor

/// The weights of a model before any training: a pure function of seed, tensor and row.
///
/// Matrices are drawn from N(0, 0.02²); those that write to the residual stream (o_proj and down_proj) are made smaller by
/// 1/√(2 · layers), as in GPT-2 (Radford et al. 2019, section 2.3). Norm gains are 1, biases 0.
struct RandomWeights: WeightSource {
    private let seed: UInt64
    private let layerCount: Int
    private let tensors: [String: (index: Int, slot: WeightSlot, shape: [Int])]
    let names: [String]

    init(_ configuration: TransformerConfiguration, seed: UInt64) {
        self.seed = seed
        layerCount = configuration.layerCount
        let slots = WeightSlot.all(of: configuration)
        names = slots.map(\.slot.name)
        var tensors: [String: (index: Int, slot: WeightSlot, shape: [Int])] = [:]
        for (index, (slot, shape)) in slots.enumerated() { tensors[slot.name] = (index, slot, shape) }
        self.tensors = tensors
    }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func readRows(
        of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(ModelFileError) {
        guard let (index, slot, shape) = tensors[name] else {
            throw .missing(path: "a randomly initialised model", field: "tensor \(name)", advice: "the name is wrong")
        }
        let width = shape.last ?? 1
        for (m, row) in rows.enumerated() {
            let values = destination + m * width
            switch slot {
            case .inputNorm, .postAttentionNorm, .finalNorm: values.update(repeating: 1, count: width)
            case .bias: values.update(repeating: 0, count: width)
            case .embedding, .head, .weight:
                var random = RandomStream(seed: seed, purpose: .initialization, step: index, slot: row)
                let deviation = deviation(of: slot)
                for k in 0..<width { values[k] = Float(deviation * random.normal()) }
            }
        }
    }

    private func deviation(of slot: WeightSlot) -> Double {
        switch slot {
        case .weight(_, .output), .weight(_, .down): 0.02 / Double(2 * layerCount).squareRoot()
        default: 0.02
        }
    }
}
