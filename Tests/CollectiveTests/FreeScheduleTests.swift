import Collective
import Testing

@Suite("Groups of rollouts that run free")
struct FreeScheduleTests {
    /// One rollout as the tests play it.
    private struct Rollout {
        var limit: Int
        var version = 0, begun = 0
        var isBusy = false
    }

    /// Plays a whole run in which every next event is drawn, of a rollout with these chances; returns the ages of all groups, and how
    /// many groups each rollout sampled.
    private static func play(chances: [Int], learner: Int, perStep: Int, bound: Int, steps: Int) throws -> (ages: [Int], begun: [Int]) {
        var generator = SystemRandomNumberGenerator()
        var schedule = FreeSchedule(rollouts: chances.count, perStep: perStep, bound: bound, version: 0, last: steps)
        var rollouts = schedule.limits.map { Rollout(limit: $0) }
        var arrived = Array(repeating: [Int](), count: chances.count)
        var ages: [Int] = []
        var idle = 0
        while schedule.version < steps {
            idle += 1
            try #require(idle < 100_000, "nothing goes on")
            let event = Int.random(in: 0..<chances.reduce(learner, +), using: &generator)
            guard event >= learner else {
                guard let chosen = schedule.choice else { continue }
                for place in chosen { ages.append(schedule.version - arrived[place].removeFirst()) }
                schedule.advance(past: chosen)
                idle = 0
                continue
            }
            var (place, rest) = (0, event - learner)
            while rest >= chances[place] { (place, rest) = (place + 1, rest - chances[place]) }
            if rollouts[place].isBusy {
                let arrives = schedule.arrive([rollouts[place].version], from: place)
                #expect(arrives)
                arrived[place].append(rollouts[place].version)
                rollouts[place].isBusy = false
                idle = 0
            } else {
                // Versions and their limits come together, now and then late.
                if Bool.random(using: &generator) || rollouts[place].begun == rollouts[place].limit {
                    (rollouts[place].version, rollouts[place].limit) = (schedule.version, schedule.limits[place])
                }
                guard rollouts[place].begun < rollouts[place].limit else { continue }
                let begins = schedule.begin(1, at: place, with: rollouts[place].version)
                #expect(begins)
                rollouts[place].begun += 1
                rollouts[place].isBusy = true
                idle = 0
            }
        }
        #expect(rollouts.allSatisfy { !$0.isBusy } && arrived.allSatisfy(\.isEmpty), "nothing is left over")
        return (ages, rollouts.map(\.begun))
    }

    @Test("no group is older than the bound, each is learned from once, and none is left over", arguments: [1, 2, 4], [
        [1], [1, 1], [1, 20], [20, 20, 1, 5], [1, 1, 1, 1, 1, 1, 1, 40],
    ])
    func bound(bound: Int, chances: [Int]) throws {
        for learner in [1, 10, 200] {
            for perStep in [1, 4, 7] {
                let (ages, begun) = try Self.play(chances: chances, learner: learner, perStep: perStep, bound: bound, steps: 40)
                #expect(ages.count == 40 * perStep && begun.reduce(0, +) == ages.count)
                #expect(ages.allSatisfy { (0...bound).contains($0) }, "\(ages.max() ?? 0)")
            }
        }
    }

    @Test("who is fast samples more")
    func fast() throws {
        let begun = try Self.play(chances: [1, 10], learner: 5, perStep: 4, bound: 4, steps: 60).begun
        #expect(begun[1] > begun[0], "\(begun)")
    }

    @Test("what may not be is refused: more than the limit, versions to come or gone, groups that have not begun so")
    func refused() {
        var schedule = FreeSchedule(rollouts: 2, perStep: 2, bound: 1, version: 5, last: 9)
        #expect(schedule.limits == [2, 2] && schedule.choice == nil)
        let before = schedule
        for (count, version) in [(3, 5), (0, 5), (1, 6), (1, 4)] {
            let begins = schedule.begin(count, at: 0, with: version)
            #expect(!begins, "\(count) groups with version \(version)")
        }
        var arrives = schedule.arrive([5], from: 0)
        #expect(!arrives && schedule == before)
        let begins = schedule.begin(2, at: 0, with: 5)
        arrives = schedule.arrive([5, 6], from: 0)
        #expect(begins && !arrives)
        arrives = schedule.arrive([5, 5], from: 0)
        #expect(arrives && schedule.choice == [0, 0])
        arrives = schedule.arrive([5], from: 0)
        #expect(!arrives)
        schedule.advance(past: [0, 0])
        #expect(schedule.version == 6 && schedule.limits == [4, 2])
    }
}
