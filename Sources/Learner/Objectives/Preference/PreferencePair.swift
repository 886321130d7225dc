/// A chosen and a rejected response to one prompt, by their log-probabilities under policy and reference.
package struct PreferencePair: Sendable, Equatable {
    /// c = Σ_t (log π − log π_ref) of the chosen response.
    package var chosen: Double
    /// r, the same of the rejected one.
    package var rejected: Double
    /// Actions of each response.
    package var chosenLength: Int
    package var rejectedLength: Int

    package init(chosen: Double, rejected: Double, chosenLength: Int, rejectedLength: Int) {
        self.chosen = chosen
        self.rejected = rejected
        self.chosenLength = chosenLength
        self.rejectedLength = rejectedLength
    }

    /// Δ = c − r
    package var margin: Double { chosen - rejected }
}

/// The loss of one pair; slopes are in Σ_t log π of a response, hence in the log π of each of its actions.
package struct PreferenceValue: Sendable, Equatable {
    package var loss: Double
    package var chosenSlope: Double
    package var rejectedSlope: Double
    /// The rewards that the policy implies, βc and βr (Rafailov et al., arXiv 2305.18290, section 4).
    package var chosenReward: Double
    package var rejectedReward: Double

    /// Whether the chosen response has the higher reward; the share of such pairs is the accuracy.
    package var chosenWins: Bool { chosenReward > rejectedReward }
}

/// What keeps log π of the chosen response from falling together with that of the rejected one: its mean negative
/// log-likelihood (RPO; Pang et al., arXiv 2404.19733).
///
///     weight · (−Σ_t log π(y⁺_t) / n)
package struct ChosenLikelihood: Sendable, Equatable {
    package let weight: Double

    package init(weight: Double) { self.weight = weight }

    /// The term for a chosen response of `length` actions, and its derivative in their summed log-probability.
    package func loss(logProbability: Double, length: Int) -> (value: Double, slope: Double) {
        guard length > 0 else { return (0, 0) }
        let slope = -weight / Double(length)
        return (slope * logProbability, slope)
    }
}
