internal import Tensor

extension WeightForms {
    /// Bytes that the inputs of a layer's products take at most for each row, in the forms that the products read (`ProductInputs`): in a
    /// forward pass, and in a backward.
    ///
    /// - Parameter ranks: the largest rank of each linear map's adapters in any layer, by kind; empty without adapters.
    func inputBytes(_ c: TransformerConfiguration, ranks: [Int]) -> (forward: Int, backward: Int) {
        func even(_ count: Int) -> Int { (count + 1) / 2 * 2 }
        func projected(_ kinds: [LinearKind]) -> Int {
            precision == .fp32 || ranks.isEmpty ? 0 : kinds.reduce(0) { $0 + 2 * even(ranks[$1.rawValue]) }
        }
        guard precision == .bf16 else { return (0, 0) }
        // Maps that read the same rows.
        let groups: [[LinearKind]] = [[.query, .key, .value], [.output], [.gate, .up], [.down]]
        let forward = (0..<c.layerCount).flatMap { layer in
            groups.map { kinds in
                let inputs = c.extents(of: kinds[0]).inputs
                var codes: Set<CodeFormat> = [], hasPairs = projected(kinds) > 0
                for kind in kinds {
                    switch self[.weight(layer, kind)] {
                    case .numbers: hasPairs = true
                    case .codes(let format): codes.insert(format)
                    }
                }
                return (hasPairs ? 2 * even(inputs) : 0) + codes.reduce(0) { $0 + $1.inputBytes(inputs) } + projected(kinds)
            }
        }
        let backward = LinearKind.allCases.map { 2 * even(c.extents(of: $0).outputs) + projected([$0]) }
        return (forward.max() ?? 0, backward.max() ?? 0)
    }
}
