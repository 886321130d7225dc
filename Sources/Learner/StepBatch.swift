internal import Model
internal import Rollout
internal import Tensor

/// What one training step learns from, as one learner has it. What it counts and how it is divided is the same on every learner.
struct StepBatch {
    let groups: [StepGroup]
    /// m by group and response.
    private let actionCounts: [[Int]]
    /// By group and response; none of a group of which only the outline is here.
    var samples: [[SampledResponse]]
    var credits: [[Credit]]?
    /// The groups that are computed together, by slot.
    let slots: [Range<Int>]
    /// All that the policy may say to a problem; nil: anything.
    private let legal: (_ problem: Int) -> TokenTree?

    init(
        _ groups: [StepGroup], groupsPerSlot: Int, reward: RewardSettings, step: Int,
        legal: @escaping (_ problem: Int) -> TokenTree? = { _ in nil }
    ) {
        self.groups = groups
        self.legal = legal
        actionCounts = groups.map(\.actionCounts)
        samples = groups.map { ($0.whole?.trajectories ?? []).map { SampledResponse($0, reward: reward, step: step) } }
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
            groups: max(groups.count, 1), responses: groups.reduce(0) { $0 + actionCounts[$1].count },
            actions: groups.reduce(0) { $0 + actionCounts[$1].reduce(0, +) }, maximumLength: maximumLength)
    }

    /// A group that this learner computes.
    func group(_ index: Int) -> TrajectoryGroup {
        guard let group = groups[index].whole else { preconditionFailure("group \(index) of the step is here in outline only") }
        return group
    }

    func tokens(of index: Int) -> TokenGroup {
        let group = self.group(index)
        return TokenGroup(prompt: group.prompt, responses: group.trajectories.map(\.response), legal: legal(group.promptID))
    }

    /// A group as an objective sees it. `values`: V of every state, by response.
    func responses(
        of index: Int, scores: [ResponseScores], values: [[Double]]? = nil, reward: RewardSettings, step: Int
    ) -> [ScoredResponse] {
        group(index).trajectories.enumerated().map { k, trajectory in
            ScoredResponse(
                trajectory, scores: scores[k], reward: reward, step: step, sample: samples[index][k],
                credit: credits?[index][k], values: Array(values?[k].prefix(samples[index][k].rewards.count) ?? []))
        }
    }
}
