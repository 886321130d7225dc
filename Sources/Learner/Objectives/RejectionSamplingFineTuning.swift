/// RFT (Yuan et al., arXiv 2308.01825, section 3.3): maximum likelihood of the right solutions that the first weights sample, distinct
/// by their lists of equations, together with the original solutions.
///
///     D = {original solutions} ∪ {right samples, of each prompt one for each list of equations}        L as in `SupervisedFineTuning`
///
/// Samples are collected in the first steps, in which nothing is learned; the later ones go through D in random order. An original
/// solution that the task itself judges wrong is left out.
package struct RejectionSamplingFineTuning: Objective {
    package var collectingSteps = 50
    package var examplesPerStep = 128

    package init() {}

    package var needs: Needs {
        Needs(samples: .start(steps: collectingSteps, examplesPerStep: examplesPerStep), lesson: .demonstration)
    }

    package var settings: [MethodSetting<Self>] {
        [
            .integer(
                "rft.collect_steps", \.collectingSteps, 1...1_000_000, "first steps, which sample with the first weights and learn nothing"),
            .integer("rft.examples_per_step", \.examplesPerStep, 1...1_000_000, "solutions that each later step learns from"),
        ]
    }

    package func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        SupervisedFineTuning().evaluate(responses, root: root, batch: batch)
    }
}
