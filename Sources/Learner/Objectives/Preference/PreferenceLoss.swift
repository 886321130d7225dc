/// Losses of a pair of responses, with the policy's own log-probabilities as its reward (DPO; Rafailov et al., arXiv 2305.18290, eq. 7).
///
///     Δ = c − r        c, r = Σ_t (log π − log π_ref) of the chosen and of the rejected response
package struct PreferenceLoss: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable, Codable {
        /// −(1 − ε) log σ(βΔ) − ε log σ(−βΔ): a share ε of the labels is taken to be wrong (conservative DPO).
        case sigmoid
        /// (−(1 − ε) log σ(βΔ) + ε log σ(−βΔ)) / (1 − 2ε): without bias if a share ε is wrong (rDPO; Ray Chowdhury et al.,
        /// arXiv 2403.00409).
        case robust
        /// max(0, 1 − βΔ) (SLiC; Zhao et al., arXiv 2305.10425)
        case hinge
        /// (c/n_c − r/n_r − 1/(2β))², over means of a response's actions (Azar et al., arXiv 2310.12036, eq. 17).
        case ipo
    }

    package let kind: Kind
    package let beta: Double
    /// ε of `sigmoid` and `robust`; the others have none.
    package let labelSmoothing: Double

    package init(_ kind: Kind, beta: Double, labelSmoothing: Double = 0) {
        self.kind = kind
        self.beta = beta
        self.labelSmoothing = labelSmoothing
    }

    package func loss(_ pair: PreferencePair) -> PreferenceValue {
        var value = PreferenceValue(
            loss: 0, chosenSlope: 0, rejectedSlope: 0, chosenReward: beta * pair.chosen, rejectedReward: beta * pair.rejected)
        let x = beta * pair.margin, ε = labelSmoothing
        /// A loss of Δ alone, from its derivative in βΔ.
        func set(_ loss: Double, slope: Double) {
            (value.loss, value.chosenSlope, value.rejectedSlope) = (loss, beta * slope, -beta * slope)
        }
        switch kind {
        case .sigmoid:
            set(
                -(1 - ε) * Logistic.logSigmoid(x) - ε * Logistic.logSigmoid(-x),
                slope: -(1 - ε) * Logistic.sigmoid(-x) + ε * Logistic.sigmoid(x))
        case .robust:
            set(
                (-(1 - ε) * Logistic.logSigmoid(x) + ε * Logistic.logSigmoid(-x)) / (1 - 2 * ε),
                slope: (-(1 - ε) * Logistic.sigmoid(-x) - ε * Logistic.sigmoid(x)) / (1 - 2 * ε))
        case .hinge: set(max(0, 1 - x), slope: x < 1 ? -1 : 0)
        case .ipo:
            // The mean over no actions is 0.
            let chosenShare = 1 / Double(max(pair.chosenLength, 1)), rejectedShare = 1 / Double(max(pair.rejectedLength, 1))
            let error = pair.chosen * chosenShare - pair.rejected * rejectedShare - 1 / (2 * beta)
            (value.loss, value.chosenSlope, value.rejectedSlope) = (
                error * error, 2 * error * chosenShare, -2 * error * rejectedShare
            )
        }
        return value
    }

    /// One sentence for each value that no loss can work with.
    package func problems() -> [String] {
        var problems: [String] = []
        if !(beta > 0 && beta.isFinite) { problems.append("beta is \(beta); it must be above 0") }
        if !(labelSmoothing >= 0 && labelSmoothing < 0.5) {
            problems.append("label smoothing is \(labelSmoothing); it must be at least 0 and below 0.5")
        }
        return problems
    }
}
