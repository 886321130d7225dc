/// Maximum likelihood of demonstrations with masked prompts.
///
///     L = −(1/N) Σ log π(a_t | s_{t−1})        over the N actions of the whole batch, ⊤ among them
package struct SupervisedFineTuning: Objective {
    package init() {}

    package var needs: Needs { Needs(samples: .data, lesson: .demonstration) }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        let share = Double(batch.groups) / Double(max(batch.actions, 1))
        let actions = responses.map(\.actionLogProbabilities)
        return ObjectiveValue(
            loss: -share * actions.reduce(0) { $0 + $1.reduce(0, +) },
            lossByResponse: actions.map { -share * $0.reduce(0, +) }, responses: responses,
            actionSlopes: actions.map { $0.map { _ in -share } })
    }
}
