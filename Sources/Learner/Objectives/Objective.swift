/// A method: a loss of the K scored responses of one prompt with its slopes, and what it needs of the loop. No automatic
/// differentiation is needed: the policy turns slopes in log π into gradients.
///
/// To add one: a file with the type beside this one, and a case in `ObjectiveKind` (docs/add-an-objective.md).
package protocol Objective: Sendable {
    /// What it can be told.
    var settings: [MethodSetting<Self>] { get }
    var needs: Needs { get }
    /// Names of `ObjectiveValue.measures`, as metrics.jsonl has them.
    var measureNames: [String] { get }

    /// What each action of a step's responses is credited with, by group and response; nil where nothing is. Every learner
    /// computes this of all groups, before the first gradient.
    func credits(of groups: [[SampledResponse]]) -> [[Credit]]?

    /// The loss of one group. That of an optimiser step is the mean over its groups, of which `batch` tells the numbers.
    ///
    /// `root` is log Z(x) in nats, and is given exactly when the method needs it.
    func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue

    /// What each response alone says of log Z(x): where a learned one starts.
    func logPartitions(of responses: [ScoredResponse]) -> [Double]
}

extension Objective {
    package var settings: [MethodSetting<Self>] { [] }
    package var needs: Needs { Needs() }
    package var measureNames: [String] { [] }
    package func credits(of groups: [[SampledResponse]]) -> [[Credit]]? { nil }
    /// −H of the whole response: the minimiser of (log Z + H)².
    package func logPartitions(of responses: [ScoredResponse]) -> [Double] { responses.map { -($0.residuals().last ?? 0) } }

    /// The loss of a group that is a step by itself.
    package func evaluate(_ responses: [ScoredResponse], root: Double?) -> ObjectiveValue {
        evaluate(responses, root: root, batch: BatchTotals(responses))
    }
}

/// A mean that is reported beside the loss, as a sum and the number of its terms.
package struct Measure: Sendable, Equatable {
    package var sum: Double
    package var count: Double

    package init(_ sum: Double, of count: Double) { (self.sum, self.count) = (sum, count) }
}

package struct ObjectiveValue: Sendable {
    package var loss: Double
    /// What each response adds to the loss, as far as rounding allows; empty where the loss is of the responses as a whole.
    package var lossByResponse: [Double]
    /// One per response, in the same order.
    package var slopes: [ResponseSlopes]
    /// dL/d log Z(x), when the objective has a learned log Z.
    package var rootSlope: Double?
    /// dL/dV(s_{t−1}) by response and action, when the objective has a learned V.
    package var valueSlopes: [[Double]]
    package var residuals: ResidualStatistics
    /// In the order of the method's `measureNames`.
    package var measures: [Measure]

    /// Finishes a value from the slopes dL/dH of every response.
    package init(
        loss: Double, lossByResponse: [Double], responses: [ScoredResponse], residuals: [[Double]], residualSlopes: [[Double]],
        rootSlope: Double? = nil
    ) {
        (self.loss, self.lossByResponse) = (loss, lossByResponse)
        self.slopes = zip(responses, residualSlopes).map { $0.slopes(fromResidualSlopes: $1) }
        self.rootSlope = rootSlope
        self.residuals = ResidualStatistics(of: residuals)
        (valueSlopes, measures) = ([], [])
    }

    /// Finishes a value from the slopes dL/d log π(a_t | s_{t−1}) of every response.
    package init(
        loss: Double, lossByResponse: [Double] = [], responses: [ScoredResponse], actionSlopes: [[Double]], rootSlope: Double? = nil,
        valueSlopes: [[Double]] = [], measures: [Measure] = []
    ) {
        (self.loss, self.lossByResponse) = (loss, lossByResponse)
        self.slopes = zip(responses, actionSlopes).map { $0.slopes(ofActions: $1) }
        self.rootSlope = rootSlope
        self.residuals = ResidualStatistics(of: responses.map { $0.residuals() })
        (self.valueSlopes, self.measures) = (valueSlopes, measures)
    }
}

/// How far the K responses of a prompt are from balance.
package struct ResidualStatistics: Sendable, Equatable {
    /// Mean over the responses of H at their last state.
    package var finalMean: Double
    /// Population variance over the responses of H at their last state: zero at the optimum, whatever the objective.
    package var finalVariance: Double
    /// Population variance of H over all terminable states of all responses.
    package var pooledVariance: Double

    /// What the responses themselves say of log Z: the minimiser of mean (log Z + H)², as VarGrad and TBA use it.
    package var logPartition: Double { -finalMean }

    package init(of residuals: [[Double]]) {
        let final = residuals.compactMap(\.last)
        (finalMean, finalVariance) = Self.momentsOf(final)
        pooledVariance = Self.momentsOf(residuals.flatMap { $0 }).variance
    }

    private static func momentsOf(_ values: [Double]) -> (mean: Double, variance: Double) {
        guard !values.isEmpty else { return (0, 0) }
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }
}
