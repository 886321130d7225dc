extension ParameterLayout {
    /// An adapter's matrices, as files hold them, in this order, as training holds them: one element for every place.
    package func parameters(of matrices: [AdapterPlace: AdapterMatrices]) -> [Float] {
        precondition(matrices.count == adapters.count, "matrices of \(matrices.count) places for \(adapters.count)")
        var parameters: [Float] = []
        parameters.reserveCapacity(count)
        for adapter in adapters {
            guard let found = matrices[adapter.place], found.a.count == adapter.a.count, found.b.count == adapter.b.count else {
                preconditionFailure("an adapter of another shape than the layout's at \(adapter.place.path)")
            }
            parameters += found.a
            parameters += found.b
        }
        return parameters
    }

    /// The other way round, to be written as an adapter folder. Empty for a policy with `full` weights.
    package func adapterMatrices(of parameters: [Float]) -> [AdapterPlace: AdapterMatrices] {
        precondition(parameters.count == count, "\(parameters.count) numbers for \(count) parameters")
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        for adapter in adapters {
            matrices[adapter.place] = AdapterMatrices(a: Array(parameters[adapter.a.range]), b: Array(parameters[adapter.b.range]))
        }
        return matrices
    }
}
