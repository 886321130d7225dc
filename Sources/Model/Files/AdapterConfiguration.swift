/// Where a LoRA adapter sits in the model.
package struct AdapterPlace: Hashable, Sendable, Comparable {
    package let layer: Int
    package let kind: LinearKind

    package init(layer: Int, kind: LinearKind) {
        self.layer = layer
        self.kind = kind
    }

    /// The module's full path in the model, which PEFT's settings are matched against.
    package var path: String { "model.layers.\(layer).\(kind.path)" }

    /// PEFT's names of A and B in adapter_model.safetensors.
    package var names: (a: String, b: String) {
        ("base_model.model.\(path).lora_A.weight", "base_model.model.\(path).lora_B.weight")
    }

    package static func < (left: AdapterPlace, right: AdapterPlace) -> Bool {
        (left.layer, left.kind) < (right.layer, right.kind)
    }
}

/// A LoRA adapter's settings: ΔW = scaling · B A with A [rank, inputs] and B [outputs, rank] (Hu et al. 2021, section 4.1).
///
/// Two of them are equal if they make the same adapter of a model, however they were written down.
package struct AdapterConfiguration: Sendable, Equatable {
    /// The rank and α of one adapted linear map.
    package struct Strength: Hashable, Sendable {
        package let rank: Int
        package let alpha: Float

        package init(rank: Int, alpha: Float) {
            self.rank = rank
            self.alpha = alpha
        }
    }

    private enum Extent: Sendable, Equatable {
        /// The same in every layer, however many there are; kinds ascending.
        case everyLayer([LinearKind], Strength)
        case places([AdapterPlace: Strength])
    }

    private let extent: Extent
    /// Scale by α/√r instead of α/r (Kalajdzievski 2023, rsLoRA).
    package let rankStabilised: Bool

    /// The same adapter in every layer.
    package init(rank: Int, alpha: Float, targets: [LinearKind], rankStabilised: Bool = false) {
        extent = .everyLayer(Set(targets).sorted(), Strength(rank: rank, alpha: alpha))
        self.rankStabilised = rankStabilised
    }

    /// Adapters at these places of a model with `layerCount` layers.
    package init(_ places: [AdapterPlace: Strength], layerCount: Int, rankStabilised: Bool) {
        let kinds = Set(places.keys.map(\.kind)).sorted()
        if places.count == layerCount * kinds.count, let strength = places.values.first, Set(places.values).count == 1 {
            extent = .everyLayer(kinds, strength)
        } else {
            extent = .places(places)
        }
        self.rankStabilised = rankStabilised
    }

    /// Every adapted linear map of a model with `layerCount` layers, by layer, then kind.
    package func places(layerCount: Int) -> [(place: AdapterPlace, strength: Strength)] {
        switch extent {
        case .everyLayer(let kinds, let strength):
            (0..<layerCount).flatMap { layer in kinds.map { (AdapterPlace(layer: layer, kind: $0), strength) } }
        case .places(let places):
            places.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }

    /// The linear maps that have an adapter in any layer, ascending.
    package var targets: [LinearKind] {
        switch extent {
        case .everyLayer(let kinds, _): kinds
        case .places(let places): Set(places.keys.map(\.kind)).sorted()
        }
    }

    /// The largest rank that each linear map has in any layer, by kind; 0 where it has no adapter.
    package func maximumRanks(layerCount: Int) -> [Int] {
        var ranks = [Int](repeating: 0, count: LinearKind.allCases.count)
        for (place, strength) in places(layerCount: layerCount) {
            let kind = place.kind.rawValue
            ranks[kind] = max(ranks[kind], strength.rank)
        }
        return ranks
    }

    /// The rank and α that most places have: what PEFT's `r` and `lora_alpha` are written as. Nil when there is no place.
    package var usualStrength: Strength? {
        switch extent {
        case .everyLayer(let kinds, let strength): return kinds.isEmpty ? nil : strength
        case .places(let places):
            var counts: [Strength: Int] = [:]
            for strength in places.values { counts[strength, default: 0] += 1 }
            return counts.max { ($0.value, $0.key.rank, $0.key.alpha) < ($1.value, $1.key.rank, $1.key.alpha) }?.key
        }
    }

    /// The factor of B A where rank and α are these.
    package func scaling(of strength: Strength) -> Float {
        let rank = Float(strength.rank)
        return strength.alpha / (rankStabilised ? rank.squareRoot() : rank)
    }
}
