import Collective
import Learner
import Synchronization
import TestSupport
import Testing

@Suite("What a learner shows")
struct LearnedGroupTests {
    private final class Observation: Sendable {
        let groups = Mutex<[LearnedGroup]>([])
        func note(_ group: LearnedGroup) { groups.withLock { $0.append(group) } }
    }

    @Test("every group is shown with its loss, by response, and being seen changes no bit", arguments: ObjectiveKind.allCases)
    func observer(kind: ObjectiveKind) throws {
        let objective = kind.defaults, observation = Observation()
        func step(observed: Bool) throws -> (String, StepMetrics?) {
            try runInProcess(ranks: 1) { learners in
                let learner = try TinyTask.learner(learners, objective: objective)
                if observed { learner.observer = observation.note }
                let groups = TinyTask.groups(for: objective, of: learner.policy, step: 0)
                let metrics = try learner.update(on: groups).untimed
                return (sha256Hex(learner.publishedBits), metrics)
            }[0]
        }
        let alone = try step(observed: false), seen = try step(observed: true)
        #expect(alone.0 == seen.0 && alone.1 == seen.1)
        let groups = observation.groups.withLock { $0 }
        #expect(!groups.isEmpty && Set(groups.map(\.pass)) == Set(0..<objective.needs.epochs * objective.needs.miniBatches))
        let loss = try #require(seen.1?.loss)
        expectClose(groups.reduce(0) { $0 + $1.value.loss } / Double(groups.count), loss, relative: 1e-12, absolute: 1e-12)
        for group in groups {
            #expect(group.version == 0 && (group.root != nil) == objective.needs.root)
            if objective.needs.lesson == .pair {
                #expect(group.value.lossByResponse.isEmpty)
            } else {
                #expect(group.value.lossByResponse.count == group.responses.count)
                expectClose(group.value.lossByResponse.reduce(0, +), group.value.loss, relative: 1e-9, absolute: 1e-12)
            }
        }
    }
}
