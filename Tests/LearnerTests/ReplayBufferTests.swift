import Problems
import Rollout
@testable import Learner
import TestSupport
import Testing

/// A trajectory of which only the response and the outcome matter.
func plainTrajectory(_ response: [Int32], isCorrect: Bool = true, process: Float = 0, mark: Float = -1) -> Trajectory {
    let n = response.count
    return Trajectory(
        response: response, stop: .stopToken, tokenLogProbabilities: Array(repeating: mark, count: n),
        stopLogProbabilities: Array(repeating: -0.5, count: n + 1),
        states: [TerminableState(index: n, process: process, isFinished: true, isCorrect: isCorrect)])
}

private func group(_ promptID: Int, _ trajectories: [Trajectory], version: Int = 0) -> TrajectoryGroup {
    TrajectoryGroup(
        address: GroupAddress(step: version, slot: 0), promptID: promptID, prompt: [Int32(promptID), 1],
        trajectories: trajectories, sampledWith: version)
}

private let reward = RewardSettings(referenceExponent: LinearSchedule(constant: 0))

private func filled(_ settings: ReplayBuffer.Settings, prompts: Int = 5, responses: Int = 12) -> ReplayBuffer {
    var buffer = ReplayBuffer(settings)
    for prompt in 0..<prompts {
        buffer.insert(
            [group(prompt, (0..<responses).map { plainTrajectory([Int32($0), 7], isCorrect: $0 % 2 == 0) }, version: prompt)],
            reward: reward)
    }
    return buffer
}

@Suite("Replay buffer") struct ReplayBufferTests {
    @Test("a response is kept once, with its newest record")
    func newestWins() {
        var buffer = ReplayBuffer(ReplayBuffer.Settings())
        let within = buffer.insert(
            [group(3, [plainTrajectory([1]), plainTrajectory([2]), plainTrajectory([1], mark: -2)])], reward: reward)
        let later = buffer.insert([group(3, [plainTrajectory([2], mark: -3)], version: 5)], reward: reward)
        #expect((within, later) == (1, 1), "what was there already is counted")
        #expect(buffer.meanAge(at: 7) == 4.5, "versions 0 and 5, seen from 7")
        #expect(buffer.count == 2)
        #expect(buffer.shelves[3]?.entries.map(\.trajectory.tokenLogProbabilities) == [[-2], [-3]])
        #expect(buffer.shelves[3]?.entries.map(\.sampledWith) == [0, 5])
    }

    @Test("a full prompt loses its oldest, or with priority on reward its poorest", arguments: ReplayBuffer.Priority.allCases)
    func eviction(priority: ReplayBuffer.Priority) {
        var buffer = ReplayBuffer(ReplayBuffer.Settings(capacityPerPrompt: 3, priority: priority))
        let outcomes = [true, false, true, false, true]
        buffer.insert([group(0, outcomes.enumerated().map { plainTrajectory([Int32($0)], isCorrect: $1) })], reward: reward)
        #expect(buffer.shelves[0]?.entries.map(\.trajectory.response) == (priority == .reward ? [[0], [2], [4]] : [[2], [3], [4]]))
    }

    @Test("groups have distinct responses of one prompt, distinct prompts and counted slots", arguments: ReplayBuffer.Priority.allCases)
    func groups(priority: ReplayBuffer.Priority) {
        let buffer = filled(ReplayBuffer.Settings(priority: priority))
        let groups = buffer.groups(4, size: 6, seed: 1, step: 9, firstSlot: 10, reward: reward)
        #expect(groups.map(\.address) == (10..<14).map { GroupAddress(step: 9, slot: $0) })
        #expect(Set(groups.map(\.promptID)).count == 4)
        for group in groups {
            #expect(group.trajectories.count == 6 && Set(group.trajectories.map(\.response)).count == 6)
            #expect(group.prompt == [Int32(group.promptID), 1] && group.sampledWith == group.promptID)
        }
    }

    @Test("a choice follows from content, seed, step and slot")
    func deterministic() {
        let buffer = filled(ReplayBuffer.Settings())
        func choice(seed: UInt64 = 1, step: Int = 2) -> [TrajectoryGroup] {
            buffer.groups(3, size: 4, seed: seed, step: step, firstSlot: 8, reward: reward)
        }
        #expect(choice() == choice())
        #expect(choice(seed: 2) != choice() && choice(step: 3) != choice())
        #expect(filled(ReplayBuffer.Settings()) == buffer)
    }

    @Test("prompts with a single response give no group, and a short shelf gives all it has")
    func scarce() {
        var buffer = ReplayBuffer(ReplayBuffer.Settings())
        #expect(buffer.groups(2, size: 4, seed: 1, step: 0, firstSlot: 0, reward: reward).isEmpty)
        buffer.insert([group(0, [plainTrajectory([1])]), group(1, [plainTrajectory([1]), plainTrajectory([2])])], reward: reward)
        let groups = buffer.groups(2, size: 4, seed: 1, step: 0, firstSlot: 0, reward: reward)
        #expect(groups.map(\.promptID) == [1] && groups.first?.trajectories.count == 2)
    }

    @Test("only right responses are kept when asked")
    func onlyCorrect() {
        let buffer = filled(ReplayBuffer.Settings(keepsOnlyCorrect: true))
        #expect(buffer.count == 30 && buffer.shelves.values.allSatisfy { $0.entries.allSatisfy(\.trajectory.isCorrect) })
    }

    /// Responses are alike when they begin alike.
    private static let sameBeginning = Similarity { $0.first == $1.first }

    @Test("of near-duplicates the one with the larger reward stays, the newer among equals")
    func nearDuplicates() {
        var buffer = ReplayBuffer(ReplayBuffer.Settings(), similarity: Self.sameBeginning)
        func insert(_ response: [Int32], isCorrect: Bool = true, process: Float, version: Int = 0) -> Int {
            buffer.insert(
                [group(0, [plainTrajectory(response, isCorrect: isCorrect, process: process)], version: version)], reward: reward)
        }
        var kept: [[Int32]]? { buffer.shelves[0]?.entries.map(\.trajectory.response) }
        #expect(insert([1, 1], process: -2) == 0 && insert([2, 1], process: -1) == 0)
        #expect(insert([1, 2], process: -3) == 1 && kept == [[1, 1], [2, 1]], "a poorer one stays out, and is counted")
        #expect(insert([1, 3], process: -1) == 1 && kept == [[2, 1], [1, 3]], "a better one replaces it")
        #expect(insert([2, 2], process: -1) == 1 && kept == [[1, 3], [2, 2]], "so does an equally good one")
        #expect(insert([2, 3], isCorrect: false, process: 0) == 1 && kept == [[1, 3], [2, 2]], "rightness counts as reward does")
        // What an equal response says of itself is not compared: the newer record is the record.
        #expect(insert([1, 3], process: -9, version: 4) == 1 && kept == [[2, 2], [1, 3]])
        #expect(buffer.shelves[0]?.entries.map(\.sampledWith) == [0, 4])
        buffer.insert([group(1, [plainTrajectory([1, 9])])], reward: reward)
        #expect(buffer.count == 3, "other prompts are not compared")
    }

    @Test("one that is like several replaces all of them or none")
    func severalNearDuplicates() {
        let close = Similarity { abs(($0.first ?? 0) - ($1.first ?? 0)) <= 2 }
        func responses(_ process: Float) -> [[Int32]]? {
            var buffer = ReplayBuffer(ReplayBuffer.Settings(), similarity: close)
            buffer.insert(
                [group(0, [plainTrajectory([1], process: -1), plainTrajectory([4], process: -2), plainTrajectory([9])])], reward: reward)
            buffer.insert([group(0, [plainTrajectory([3], process: process)])], reward: reward)
            return buffer.shelves[0]?.entries.map(\.trajectory.response)
        }
        #expect(responses(-1) == [[9], [3]])
        #expect(responses(-1.5) == [[1], [4], [9]])
    }

    @Test("what is alike is no part of the content, and comes back with the settings")
    func similarityIsNoContent() throws {
        let plain = filled(ReplayBuffer.Settings())
        var buffer = plain.with(plain.settings, similarity: Self.sameBeginning)
        #expect(buffer == plain && buffer.encoded() == plain.encoded())
        var read = try ReplayBuffer(decoding: buffer.encoded(), settings: buffer.settings, newest: 4)
            .with(buffer.settings, similarity: Self.sameBeginning)
        for newcomer in [[0, 8], [0, 9]] as [[Int32]] {
            buffer.insert([group(0, [plainTrajectory(newcomer)])], reward: reward)
            read.insert([group(0, [plainTrajectory(newcomer)])], reward: reward)
        }
        #expect(buffer == read && buffer.count(ofPrompt: 0) == plain.count(ofPrompt: 0))
        #expect(buffer.with(buffer.settings).settings == buffer.settings)
    }

    @Test("a replayed trajectory has the reward of the step that learns from it: its parts know no schedule")
    func schedules() throws {
        let first = RewardSettings(
            temperature: LinearSchedule(from: 4, to: 0.5, steps: 10), referenceExponent: LinearSchedule(constant: 0))
        let other = RewardSettings(
            processWeight: 3, correctBonus: 4, maximum: 3, temperature: LinearSchedule(from: 2, to: 1, steps: 10),
            referenceExponent: LinearSchedule(constant: 0))
        func filled(_ reward: RewardSettings) -> ReplayBuffer {
            var buffer = ReplayBuffer(ReplayBuffer.Settings(priority: .reward))
            buffer.insert(
                [
                    group(0, (0..<4).map { index in
                        var trajectory = plainTrajectory([Int32(index)], process: -0.25 * Float(index))
                        trajectory.stepRewards = [1 - 0.125 * Float(index)]
                        return trajectory
                    })
                ], reward: reward)
            return buffer
        }
        let before = filled(first)
        #expect(before == filled(other) && before.encoded() == filled(other).encoded())
        let read = try ReplayBuffer(decoding: before.encoded(), settings: before.settings, newest: 0)
        #expect(read == before && read.trajectories(ofPrompt: 0).map(\.stepRewards) == [[1], [0.875], [0.75], [0.625]])
        let drawn = read.groups(1, size: 4, seed: 1, step: 5, firstSlot: 0, reward: other)
        let rewards = drawn.flatMap(\.trajectories).map { ($0.response[0], other.logRewards(of: $0, step: 5)) }.sorted { $0.0 < $1.0 }
        // 4 − 0.75·index, at most 3, at a temperature of 1.5.
        expectClose(rewards.flatMap(\.1), [2, 2, 2.5 / 1.5, 1.75 / 1.5])
    }

    @Test("rewards that a clamp makes equal are equal to the buffer: of those, the oldest goes")
    func clamped() {
        func kept(maximum: Double?) -> [[Int32]]? {
            var buffer = ReplayBuffer(ReplayBuffer.Settings(capacityPerPrompt: 2, priority: .reward))
            buffer.insert(
                [group(0, [0, -1, -0.5].enumerated().map { plainTrajectory([Int32($0)], process: $1) })],
                reward: RewardSettings(maximum: maximum, referenceExponent: LinearSchedule(constant: 0)))
            return buffer.shelves[0]?.entries.map(\.trajectory.response)
        }
        #expect(kept(maximum: nil) == [[0], [2]] && kept(maximum: 8) == [[1], [2]])
    }

    @Test("priority on reward draws in proportion to R, on recency the newer more often")
    func priorities() {
        // Two draws of four would blur the first; so the first of each group is counted.
        func firstDraws(_ settings: ReplayBuffer.Settings, _ trajectories: [Trajectory]) -> [Double] {
            var buffer = ReplayBuffer(settings)
            buffer.insert([group(0, trajectories)], reward: reward)
            var counts = Array(repeating: 0.0, count: trajectories.count)
            for step in 0..<2000 {
                let drawn = buffer.groups(1, size: 2, seed: 3, step: step, firstSlot: 0, reward: reward)
                if let first = drawn.first?.trajectories.first?.response.first { counts[Int(first)] += 1 / 2000 }
            }
            return counts
        }
        // R in the proportions 1 : 2 : 4 by the process score.
        let graded = (0..<3).map { plainTrajectory([Int32($0)], process: 0.6931472 * Float($0) - 2) }
        // Three standard deviations of a share of 1/2 in 2,000 draws are 0.034.
        expectClose(firstDraws(ReplayBuffer.Settings(priority: .reward), graded), [1.0 / 7, 2.0 / 7, 4.0 / 7], relative: 0, absolute: 0.034)
        // A quarter of a capacity of 4 is one place: the chance halves with each.
        let recent = firstDraws(ReplayBuffer.Settings(capacityPerPrompt: 4, priority: .recency), graded)
        expectClose(recent, [1.0 / 7, 2.0 / 7, 4.0 / 7], relative: 0, absolute: 0.034)
        expectClose(firstDraws(ReplayBuffer.Settings(), graded), [1.0 / 3, 1.0 / 3, 1.0 / 3], relative: 0, absolute: 0.034)
    }
}
