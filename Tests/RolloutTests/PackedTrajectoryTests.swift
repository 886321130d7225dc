import CAllocationMeter
import Model
import Problems
import Rollout
import Testing

@Suite("Trajectories in one piece") struct PackedTrajectoryTests {
    /// Whatever a trajectory can have, from nothing to everything.
    private static func trajectory(tokens n: Int, states: Int, hasReference: Bool, stepRewards: Int) -> Trajectory {
        var number = 0
        func values(_ count: Int) -> [Float] {
            (0..<count).map { _ in
                number += 1
                return -Float(number * 379 % 1009) / 113
            }
        }
        return Trajectory(
            response: (0..<n).map { Int32($0 * 7919 % 50_021) }, stop: n % 2 == 0 ? .stopToken : .length,
            tokenLogProbabilities: values(n), stopLogProbabilities: values(n + 1),
            referenceTokenLogProbabilities: hasReference ? values(n) : [], referenceStopLogProbabilities: hasReference ? values(n + 1) : [],
            states: (0..<states).map { state in
                TerminableState(
                    index: state == states - 1 ? n : state, process: values(1)[0], isFinished: state % 2 == 0, isCorrect: state % 3 == 0)
            },
            stepRewards: values(stepRewards))
    }

    @Test("come out as they went in, and tell of themselves what the whole says", arguments: [0, 1, 2, 7, 300], [false, true])
    func roundTrip(tokens: Int, hasReference: Bool) {
        for (states, stepRewards) in [(1, 0), (min(tokens, 4) + 1, 3), (tokens + 1, tokens)] {
            let trajectory = Self.trajectory(tokens: tokens, states: states, hasReference: hasReference, stepRewards: stepRewards)
            let packed = PackedTrajectory(trajectory)
            #expect(packed.trajectory == trajectory && packed.response == trajectory.response)
            #expect(packed.isCorrect == trajectory.isCorrect && packed.lastState == trajectory.states.last)
            #expect(packed.isResponse(trajectory.response) && !packed.isResponse(trajectory.response + [1]))
            if tokens > 0 {
                var other = trajectory.response
                other[tokens - 1] += 1
                #expect(!packed.isResponse(other) && !packed.isResponse(Array(trajectory.response.dropLast())))
            }
        }
    }

    @Test("keep every bit of a number")
    func bits() {
        var trajectory = Self.trajectory(tokens: 3, states: 1, hasReference: false, stepRewards: 0)
        let bits: [UInt32] = [0x8000_0000, 0x0000_0001, 0xFF80_0000, 0x7FC0_1234]
        trajectory.stopLogProbabilities = bits.map(Float.init(bitPattern:))
        #expect(PackedTrajectory(trajectory).trajectory.stopLogProbabilities.map(\.bitPattern) == bits)
    }

    @Test("take as much memory as is planned for them", arguments: [1, 11, 64, 400], [false, true])
    func byteCount(tokens: Int, hasReference: Bool) {
        let (count, states, stepRewards) = (500, tokens / 4 + 1, tokens % 2 == 0 ? 0 : 2)
        let trajectories = (0..<count).map { _ in
            Self.trajectory(tokens: tokens, states: states, hasReference: hasReference, stepRewards: stepRewards)
        }
        var kept: [PackedTrajectory] = []
        kept.reserveCapacity(count)
        gfn_allocation_meter_begin_thread()
        for trajectory in trajectories { kept.append(PackedTrajectory(trajectory)) }
        let taken = Double(gfn_allocation_meter_thread_peak()) / Double(count)
        let planned = Double(
            PackedTrajectory.byteCount(tokens: tokens, states: states, stepRewards: stepRewards, hasReference: hasReference))
        #expect(kept.count == count && abs(taken / planned - 1) < 0.1, "\(taken) bytes, planned \(planned)")
    }
}
