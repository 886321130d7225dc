import Model
import Testing

@testable import Problems
@testable import Rollout

@Suite("Trajectory coding")
struct TrajectoryCodingTests {
    private let group: TrajectoryGroup = {
        func trajectory(_ count: Int, reference: Bool) -> Trajectory {
            let states = [
                TerminableState(index: 0, process: -1.5, isFinished: false, isCorrect: false),
                TerminableState(index: count, process: -2.5, isFinished: true, isCorrect: count == 2),
            ]
            return Trajectory(
                response: (0..<count).map { Int32($0) * 70_000 + 1 }, stop: count == 2 ? .stopToken : .length,
                tokenLogProbabilities: (0..<count).map { -0.1 * Float($0 + 1) },
                stopLogProbabilities: (0...count).map { -1.1 * Float($0 + 1) },
                referenceTokenLogProbabilities: reference ? (0..<count).map { -0.3 * Float($0 + 1) } : [],
                referenceStopLogProbabilities: reference ? (0...count).map { -1.3 * Float($0 + 1) } : [],
                states: count == 0 ? [states[0]] : states,
                stepRewards: count == 5 ? [] : (0...count).map { Float($0) / Float(max(count, 1)) })
        }
        return TrajectoryGroup(
            address: GroupAddress(step: 41, slot: 7), promptID: 1_000_003, prompt: [1, 51, 98, 117],
            trajectories: [trajectory(2, reference: true), trajectory(5, reference: false), trajectory(0, reference: true)],
            sampledWith: 40, temperature: 1.25)
    }()

    @Test("what is sent is what arrives, empty responses and absent references included")
    func roundTrip() throws {
        #expect(try TrajectoryCoding.decode(TrajectoryCoding.encode(group)) == group)
        let empty = TrajectoryGroup(
            address: GroupAddress(step: 0, slot: 0), promptID: 0, prompt: [], trajectories: [], sampledWith: 0)
        #expect(try TrajectoryCoding.decode(TrajectoryCoding.encode(empty)) == empty)
    }

    @Test("negative tokens, steps and versions are refused, though the frame is whole", arguments: 0..<5)
    func negative(_ field: Int) {
        var wrong = group
        switch field {
        case 0: wrong.prompt[1] = -1
        case 1: wrong.trajectories[0].response[0] = -5
        case 2: wrong.address.step = -1
        case 3: wrong.address.slot = 1 << 40
        default: wrong.sampledWith = .min
        }
        #expect(throws: TrajectoryCodingError.self) { try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong)) }
    }

    @Test("a step reward is a probability", arguments: [-0.25, 1.5, .infinity, .nan] as [Float])
    func stepReward(_ reward: Float) throws {
        var wrong = group
        wrong.trajectories[0].stepRewards[1] = reward
        #expect {
            try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong))
        } throws: { error in
            guard case TrajectoryCodingError.trajectory(_, 0, let problems) = error else { return false }
            return problems == ["a step reward of \(reward), expected 0…1"]
        }
    }

    @Test("no response has more steps than states")
    func stepRewardCount() throws {
        var wrong = group
        wrong.trajectories[0].stepRewards = [0.5, 0.5, 0.5]
        #expect(try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong)) == wrong)
        wrong.trajectories[0].stepRewards.append(0.5)
        #expect(throws: TrajectoryCodingError.trajectory(group.address, index: 0, problems: ["4 step rewards for 2 tokens"])) {
            try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong))
        }
    }

    @Test("a temperature is a number above 0", arguments: [0, -1, .infinity, .nan] as [Float])
    func temperature(_ temperature: Float) {
        var wrong = group
        wrong.temperature = temperature
        #expect(throws: TrajectoryCodingError.self) { try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong)) }
    }

    @Test("any changed byte and any cut is an error")
    func corruption() {
        let bytes = TrajectoryCoding.encode(group)
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x10
            #expect(throws: TrajectoryCodingError.self) { try TrajectoryCoding.decode(damaged) }
        }
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: TrajectoryCodingError.self) { try TrajectoryCoding.decode(Array(bytes.prefix(length))) }
        }
    }

    @Test("a frame whose trajectory has the wrong shape is refused by name")
    func wrongShape() {
        var wrong = group
        wrong.trajectories[1].stopLogProbabilities.removeLast()
        wrong.trajectories[1].states[1].index = 4
        #expect {
            try TrajectoryCoding.decode(TrajectoryCoding.encode(wrong))
        } throws: { error in
            guard case TrajectoryCodingError.trajectory(let address, 1, let problems) = error else { return false }
            return address == GroupAddress(step: 41, slot: 7) && problems.count == 2
        }
    }
}
