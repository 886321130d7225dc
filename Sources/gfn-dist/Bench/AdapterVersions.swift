internal import Foundation
internal import Tensor

/// An adapter before and after one step of an optimiser: bf16 bits of both.
struct AdapterVersions {
    let before, after: [UInt16]

    /// Of adapters on all maps of SmolLM2-135M, for each rank.
    private static let parametersPerRank = 305_280

    init(before: [UInt16], after: [UInt16]) { (self.before, self.after) = (before, after) }

    /// Random numbers, as many as adapters on all maps of SmolLM2-135M have.
    init(rank: Int) {
        let count = rank * Self.parametersPerRank
        var random = RandomStream(seed: 1, purpose: .task)
        var (old, new) = ([Float](), [Float]())
        old.reserveCapacity(count)
        new.reserveCapacity(count)
        for _ in 0..<count {
            let weight = 0.02 * random.normal()
            old.append(Float(weight))
            new.append(Float(weight + 1e-4 * tanh(1.5 * random.normal())))
        }
        (before, after) = (old.roundedToBFloat16, new.roundedToBFloat16)
    }
}
