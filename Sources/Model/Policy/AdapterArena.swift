/// From adapter matrices by place, as files hold them, to the flat order of a layout, as training holds them.
package enum AdapterArena {
    /// Matrices in the order of `layout`; nil when some of its are not among them.
    package static func values(
        of tensors: [AdapterPlace: AdapterMatrices], in layout: ParameterLayout, configuration: AdapterConfiguration
    ) -> [Float]? {
        var values: [Float] = []
        values.reserveCapacity(layout.count)
        for (place, a, b) in places(of: layout, configuration) {
            guard let matrices = tensors[place], matrices.a.count == a.count, matrices.b.count == b.count else { return nil }
            values += matrices.a
            values += matrices.b
        }
        return values
    }

    private static func places(
        of layout: ParameterLayout, _ configuration: AdapterConfiguration
    ) -> [(AdapterPlace, a: ParameterLayout.Entry, b: ParameterLayout.Entry)] {
        let kinds = configuration.targets
        return stride(from: 0, to: layout.entries.count, by: 2).map { index in
            let pair = index / 2
            let place = AdapterPlace(layer: pair / kinds.count, kind: kinds[pair % kinds.count])
            return (place, layout.entries[index], layout.entries[index + 1])
        }
    }
}
