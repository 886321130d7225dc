internal import Learner
internal import Problems
internal import Rollout
internal import Tensor

/// What a method learns from once its samples are collected: a list that follows from the buffer and the task alone, and is gone
/// through in random order, again and again.
struct CollectedExamples {
    private let examples: [TrajectoryGroup]
    private var schedule: PromptSchedule
    private let perStep: Int
    private let firstStep: Int

    /// Nil when there is nothing to learn from.
    init?(_ replay: ReplayBuffer, task: any Task, needs: Needs, seed: UInt64) {
        guard case .start(let steps, let perStep) = needs.samples else { preconditionFailure("a method without collected samples") }
        examples = needs.lesson == .pair ? Self.pairs(in: replay, seed: seed) : Self.demonstrations(in: replay, task: task)
        guard !examples.isEmpty else { return nil }
        (self.perStep, firstStep) = (perStep, steps)
        schedule = PromptSchedule(seed: seed, problemCount: examples.count, slotsPerStep: perStep)
    }

    mutating func batch(of step: Int) -> [TrajectoryGroup] {
        (0..<perStep).map { slot in
            var example = examples[schedule.problem(at: GroupAddress(step: step - firstStep, slot: slot))]
            example.address = GroupAddress(step: step, slot: slot)
            return example
        }
    }

    /// Each problem's own solution, where it has one that is right, and the responses that were kept.
    private static func demonstrations(in replay: ReplayBuffer, task: any Task) -> [TrajectoryGroup] {
        (0..<task.problemCount).flatMap { problem in
            let original = task.demonstration(of: problem, sample: 0).flatMap { response in
                task.verdict(on: response, stop: .stopToken, problem: problem).isCorrect ? response : nil
            }
            let kept = replay.trajectories(ofPrompt: problem).map(\.response).filter { $0 != original }
            return ((original.map { [$0] } ?? []) + kept).map { response in
                TrajectoryGroup(
                    examples: [response], of: problem, prompt: task.promptTokens(of: problem), at: GroupAddress(step: 0, slot: 0),
                    version: 0)
            }
        }
    }

    /// Of each problem as many pairs as it has right and wrong responses for, each response once.
    private static func pairs(in replay: ReplayBuffer, seed: UInt64) -> [TrajectoryGroup] {
        replay.promptIDs.flatMap { problem in
            let trajectories = replay.trajectories(ofPrompt: problem)
            var random = RandomStream(seed: seed, purpose: .replay, slot: problem)
            let order = random.permutation(of: trajectories.count).map { trajectories[$0] }
            return zip(order.filter(\.isCorrect), order.filter { !$0.isCorrect }).map { chosen, rejected in
                TrajectoryGroup(
                    address: GroupAddress(step: 0, slot: 0), promptID: problem, prompt: replay.prompt(ofPrompt: problem),
                    trajectories: [chosen, rejected], sampledWith: 0)
            }
        }
    }
}
