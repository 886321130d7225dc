extension Policy {
    /// An adapter's matrices in the order of `layout`; zeros where the adapter leaves a layer alone.
    package func parameters(of matrices: [AdapterPlace: AdapterMatrices]) -> [Float] {
        var parameters = [Float](repeating: 0, count: layout.count)
        forEachAdapter { place, a, b in
            guard let found = matrices[place] else { return }
            precondition(
                found.a.count == a.count && found.b.count == b.count, "an adapter of another shape than the policy's at \(place)")
            parameters.replaceSubrange(a.range, with: found.a)
            parameters.replaceSubrange(b.range, with: found.b)
        }
        return parameters
    }

    /// The other way round, to be written as an adapter folder. Empty for a policy with `full` weights.
    package func adapterMatrices(of parameters: [Float]) -> [AdapterPlace: AdapterMatrices] {
        precondition(parameters.count == layout.count, "\(parameters.count) numbers for \(layout.count) parameters")
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        forEachAdapter { place, a, b in
            matrices[place] = AdapterMatrices(a: Array(parameters[a.range]), b: Array(parameters[b.range]))
        }
        return matrices
    }

    private func forEachAdapter(_ body: (AdapterPlace, ParameterLayout.Entry, ParameterLayout.Entry) -> Void) {
        guard case .lora(let adapter) = trainable else { return }
        var entries = layout.entries.makeIterator()
        for layer in 0..<base.configuration.layerCount {
            for kind in adapter.targets {
                guard let a = entries.next(), let b = entries.next() else { return }
                body(AdapterPlace(layer: layer, kind: kind), a, b)
            }
        }
    }
}
