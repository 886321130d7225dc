internal import Collective
internal import Learner

/// Which learners get a group of a step whole; the others get its outline.
///
/// Whole it goes to the learner that computes it, and to rank 0, which reports it and keeps the replay buffer for the checkpoint. To all
/// it goes where each of them needs it: to draw replayed groups from the same buffer, or for a loss that looks across groups.
struct GroupRouting {
    private let layout: RankLayout
    private let isToAll: Bool

    /// - Parameter runsFree: whether nobody knows beforehand which learner computes a group.
    init(layout: RankLayout, replays: Bool, needs: Needs, runsFree: Bool) {
        self.layout = layout
        isToAll = replays || needs.wholeBatch || runsFree
    }

    func isWhole(slot: Int, at learner: Int) -> Bool { getsAll(learner) || layout.learner(forSlot: slot) == learner }

    func getsAll(_ learner: Int) -> Bool { isToAll || learner == 0 }
}
