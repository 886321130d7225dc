import Collective
import Testing

@Suite("The division of ranks into roles")
struct RankLayoutTests {
    @Test("one rank is learner and rollout")
    func single() throws {
        for learners in [nil, 1] {
            let layout = try RankLayout(size: 1, learners: learners)
            #expect(layout.learners == [0] && layout.rollouts == [0] && layout.weightGroup == [0])
            #expect(layout.isLearner(0) && layout.isRollout(0) && layout.role(of: 0) == "learner and rollout")
            #expect(layout.learner(forSlot: 5, sampledBy: 0) == 0 && layout.isEveryRankBoth)
        }
    }

    @Test("without a setting, a quarter of the ranks learns, at least one", arguments: [
        (2, 1), (3, 1), (4, 1), (7, 1), (8, 2), (12, 3), (64, 16),
    ])
    func defaults(size: Int, learners: Int) throws {
        #expect(try RankLayout(size: size).learners == Array(0..<learners))
    }

    @Test("several ranks are learners first, then rollouts, each with exactly one role", arguments: 2...9)
    func partition(size: Int) throws {
        for count in 1..<size {
            let layout = try RankLayout(size: size, learners: count)
            #expect(layout.learners + layout.rollouts == Array(0..<size) && layout.learners.count == count)
            #expect((0..<size).allSatisfy { layout.isLearner($0) != layout.isRollout($0) })
            #expect((0..<size).allSatisfy { layout.isLearner($0) == layout.learners.contains($0) })
            #expect(layout.weightGroup == [0] + layout.rollouts)
            for slot in 0..<20 {
                #expect(layout.learner(forSlot: slot, sampledBy: size - 1) == slot % count)
            }
        }
    }

    @Test("where every rank is both, no weights are sent", arguments: 1...9)
    func both(size: Int) throws {
        let layout = try RankLayout(allOf: size)
        #expect(layout.learners == Array(0..<size) && layout.rollouts == layout.learners)
        #expect(layout.weightGroup == [0] && layout.weightReceivers.isEmpty)
        for rank in 0..<size { #expect(layout.isLearner(rank) && layout.isRollout(rank) && layout.role(of: rank) == "learner and rollout") }
        for slot in 0..<20 { #expect(layout.learner(forSlot: slot, sampledBy: size - 1) == size - 1, "who samples a group learns from it") }
        for rank in 0..<size { #expect(size == 1 || layout.comparer(ofSlot: 3, sampledBy: rank) != rank, "another one compares") }
        #expect(layout.description == (size == 1 ? "1 rank: learner and rollout" : "\(size) ranks: each learner and rollout"))
        #expect(try size > 1 || layout == RankLayout(size: 1))
    }

    @Test("a division that cannot be is refused in a sentence", arguments: [(1, 2), (2, 2), (4, 0), (4, 9), (4, -1), (1, 0)])
    func impossible(size: Int, learners: Int) {
        let error = #expect(throws: RankLayoutError.self) { try RankLayout(size: size, learners: learners) }
        #expect(error?.description.hasPrefix("ranks.learners is \(learners), but") == true)
    }

    @Test("a run without ranks is refused")
    func noRanks() {
        #expect(throws: RankLayoutError.noRanks(size: 0)) { try RankLayout(size: 0) }
        #expect(throws: RankLayoutError.noRanks(size: 0)) { try RankLayout(allOf: 0) }
    }
}
