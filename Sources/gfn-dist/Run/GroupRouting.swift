internal import Collective
internal import Learner
internal import Rollout

/// Which learners get a group of a step whole; the others get its outline.
///
/// Whole it goes to the learner that computes it, to the one that compares its log-probabilities, and to rank 0, which reports it and keeps the replay buffer for the checkpoint. To all
/// it goes where each of them needs it: to draw replayed groups from the same buffer, or for a loss that looks across groups.
struct GroupRouting {
    private let layout: RankLayout
    private let isToAll: Bool
    private let prompts: Int

    /// - Parameter runsFree: whether nobody knows beforehand which learner computes a group.
    init(layout: RankLayout, prompts: Int, replays: Bool, needs: Needs, runsFree: Bool) {
        (self.layout, self.prompts) = (layout, prompts)
        isToAll = Self.isToAll(replays: replays, needs: needs, runsFree: runsFree)
    }

    /// Whether every learner gets every group.
    static func isToAll(replays: Bool, needs: Needs, runsFree: Bool) -> Bool { replays || needs.wholeBatch || runsFree }

    func isWhole(_ address: GroupAddress, of rollout: Int, at learner: Int) -> Bool {
        getsAll(learner) || layout.learner(forSlot: address.slot, sampledBy: rollout) == learner
            || address.slot == comparedSlot(in: address.step) && layout.comparer(ofSlot: address.slot, sampledBy: rollout) == learner
    }

    /// The slot of a step whose log-probabilities are compared: each in turn.
    func comparedSlot(in step: Int) -> Int { step % prompts }

    func getsAll(_ learner: Int) -> Bool { isToAll || learner == 0 }
}
