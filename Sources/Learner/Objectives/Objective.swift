/// A loss of the K scored responses of one prompt, with its slopes. No automatic differentiation is needed: the policy
/// turns slopes in log π into gradients.
///
/// To add one: a file with the type beside this one, and a case in `ObjectiveKind`.
package protocol Objective: Sendable {
    /// Whether the loss contains a learned log Z(x), given to `evaluate` as `root`.
    var usesRoot: Bool { get }
    /// `root` is log Z(x) in nats, and is given exactly when `usesRoot`.
    func evaluate(_ responses: [ScoredResponse], root: Double?) -> ObjectiveValue
}

package struct ObjectiveValue: Sendable {
    package var loss: Double
    /// One per response, in the same order.
    package var slopes: [ResponseSlopes]
    /// dL/d log Z(x), when the objective has a learned log Z.
    package var rootSlope: Double?
    package var residuals: ResidualStatistics

    /// Finishes a value from the slopes dL/dH of every response.
    package init(
        loss: Double, responses: [ScoredResponse], residuals: [[Double]], residualSlopes: [[Double]],
        rootSlope: Double? = nil
    ) {
        self.loss = loss
        self.slopes = zip(responses, residualSlopes).map { $0.slopes(fromResidualSlopes: $1) }
        self.rootSlope = rootSlope
        self.residuals = ResidualStatistics(of: residuals)
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

/// The objectives by the names that configurations use.
package enum ObjectiveKind: String, Sendable, CaseIterable, Codable {
    case subTrajectoryBalance = "subtb"
    case pooledSubTrajectoryBalance = "subtb-pooled"
    case tokenSubTrajectoryBalance = "subtb-token"
    case unrootedSubTrajectoryBalance = "subtb-unrooted"
    case varianceGradient = "vargrad"
    case trajectoryBalance = "tb"
    case detailedBalance = "db"

    package func objective(with settings: ObjectiveSettings) -> any Objective {
        switch self {
        case .subTrajectoryBalance: SubTrajectoryBalance(lambda: settings.lambda, isRooted: true)
        case .pooledSubTrajectoryBalance:
            PooledSubTrajectoryBalance(
                finalWeight: settings.finalWeight, intermediateWeight: settings.intermediateWeight)
        case .tokenSubTrajectoryBalance: TokenSubTrajectoryBalance(lambda: settings.lambda)
        case .unrootedSubTrajectoryBalance: SubTrajectoryBalance(lambda: settings.lambda, isRooted: false)
        case .varianceGradient: PooledSubTrajectoryBalance(finalWeight: 1, intermediateWeight: 0)
        case .trajectoryBalance: TrajectoryBalance()
        case .detailedBalance: DetailedBalance()
        }
    }
}

/// What the objectives can be told; each uses its part.
package struct ObjectiveSettings: Sendable, Equatable, Codable {
    /// λ of sub-trajectory balance: a pair of states d apart counts λ^(d−1).
    package var lambda: Double
    /// Weights of last and of earlier terminable states in the pooled variance.
    package var finalWeight: Double
    package var intermediateWeight: Double

    package init(lambda: Double = 1, finalWeight: Double = 1, intermediateWeight: Double = 1) {
        self.lambda = lambda
        self.finalWeight = finalWeight
        self.intermediateWeight = intermediateWeight
    }

    /// One sentence for each value that no objective can work with.
    package func problems() -> [String] {
        var problems: [String] = []
        if !(lambda >= 0 && lambda.isFinite) { problems.append("lambda is \(lambda); it must be at least 0") }
        if !(finalWeight >= 0 && intermediateWeight >= 0 && finalWeight + intermediateWeight > 0
            && (finalWeight + intermediateWeight).isFinite)
        {
            problems.append(
                "the weights of final and intermediate states are \(finalWeight) and \(intermediateWeight); "
                    + "both must be at least 0, and one above it")
        }
        return problems
    }
}
