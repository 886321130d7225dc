internal import Tensor

/// The temperatures that groups are sampled at: a pure function of (seed, step, slot), like the prompts.
///
/// Some groups are sampled at a tempered policy, which sees more, and the others at the policy itself. Hu et al. (arXiv 2310.04363)
/// temper two thirds of their batches, with a temperature that is uniform in [0.5, 2].
package struct Behaviour: Sendable, Equatable {
    /// Of tempered groups, or the lowest that they have.
    package var temperature: Double
    /// Tempered groups draw uniformly from `temperature` to this; nil: all have `temperature`.
    package var highest: Double?
    /// The probability that a group is tempered; the others are sampled at exactly 1.
    package var temperedShare: Double

    package init(temperature: Double = 1, highest: Double? = nil, temperedShare: Double = 1) {
        precondition(
            temperature > 0 && (highest ?? temperature) >= temperature && (0...1).contains(temperedShare),
            "a share of \(temperedShare) at temperatures from \(temperature) to \(highest ?? temperature)")
        self.temperature = temperature
        self.highest = highest
        self.temperedShare = temperedShare
    }

    /// All K responses of a group have one temperature, so that their group stays the unit of everything else.
    package func temperature(at address: GroupAddress, seed: UInt64) -> Float {
        var random = RandomStream(seed: seed, purpose: .behaviour, step: address.step, slot: address.slot)
        guard random.unitDouble() < temperedShare else { return 1 }
        guard let highest else { return Float(temperature) }
        return Float(temperature + (highest - temperature) * random.unitDouble())
    }
}
