internal import Model
internal import Rollout
internal import Tensor

/// What one training step learns from: the same on every learner.
struct StepBatch {
    let groups: [TrajectoryGroup]
    /// By group and response.
    var samples: [[SampledResponse]]
    var credits: [[Credit]]?
    /// The groups that are computed together, by slot.
    let slots: [Range<Int>]
    /// All that the policy may say to a problem; nil: anything.
    private let legal: (_ problem: Int) -> TokenTree?

    init(
        _ groups: [TrajectoryGroup], groupsPerSlot: Int, reward: RewardSettings, step: Int,
        legal: @escaping (_ problem: Int) -> TokenTree? = { _ in nil }
    ) {
        self.groups = groups
        self.legal = legal
        samples = groups.map { $0.trajectories.map { SampledResponse($0, reward: reward, step: step) } }
        slots = stride(from: 0, to: groups.count, by: groupsPerSlot).map { $0..<min($0 + groupsPerSlot, groups.count) }
    }

    /// The slots of each optimiser step: all of them at once, or by epochs and mini-batches in an order with the address (seed,
    /// miniBatches, step, epoch).
    func passes(_ needs: Needs, seed: UInt64, step: Int) -> [[Int]] {
        let count = min(needs.miniBatches, max(slots.count, 1))
        guard count > 1 else { return Array(repeating: Array(slots.indices), count: needs.epochs) }
        return (0..<needs.epochs).flatMap { epoch in
            var random = RandomStream(seed: seed, purpose: .miniBatches, step: step, slot: epoch)
            let order = random.permutation(of: slots.count)
            return (0..<count).map { Array(order[$0 * slots.count / count..<($0 + 1) * slots.count / count]) }
        }
    }

    func totals(of slots: [Int], maximumLength: Int) -> BatchTotals {
        let groups = slots.flatMap { self.slots[$0] }
        return BatchTotals(
            groups: max(groups.count, 1), responses: groups.reduce(0) { $0 + samples[$1].count },
            actions: groups.reduce(0) { $0 + samples[$1].reduce(0) { $0 + $1.rewards.count } }, maximumLength: maximumLength)
    }

    func tokens(of group: Int) -> TokenGroup {
        TokenGroup(
            prompt: groups[group].prompt, responses: groups[group].trajectories.map(\.response), legal: legal(groups[group].promptID))
    }

    /// A group as an objective sees it. `values`: V of every state, by response.
    func responses(
        of group: Int, scores: [ResponseScores], values: [[Double]]? = nil, reward: RewardSettings, step: Int
    ) -> [ScoredResponse] {
        groups[group].trajectories.indices.map { k in
            ScoredResponse(
                groups[group].trajectories[k], scores: scores[k], reward: reward, step: step, sample: samples[group][k],
                credit: credits?[group][k], values: Array(values?[k].prefix(samples[group][k].rewards.count) ?? []))
        }
    }
}
