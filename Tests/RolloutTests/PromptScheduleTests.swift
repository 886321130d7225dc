import Testing

@testable import Rollout

@Suite("Prompt schedule")
struct PromptScheduleTests {
    @Test("a schedule poses each problem once per epoch, in another order each time")
    func schedule() {
        var schedule = PromptSchedule(seed: 3, problemCount: 10, slotsPerStep: 4)
        let posed = (0..<10).flatMap { step in
            (0..<4).map { schedule.problem(at: GroupAddress(step: step, slot: $0)) }
        }
        let epochs = (0..<4).map { Array(posed[10 * $0..<10 * $0 + 10]) }
        for epoch in epochs { #expect(epoch.sorted() == Array(0..<10)) }
        #expect(Set(epochs).count == 4)
        var other = PromptSchedule(seed: 3, problemCount: 10, slotsPerStep: 4)
        #expect(other.problem(at: GroupAddress(step: 7, slot: 2)) == posed[30])
    }

    @Test("the first epoch is that of first visits")
    func firstVisits() {
        let schedule = PromptSchedule(seed: 3, problemCount: 10, slotsPerStep: 4)
        let first = (0..<4).map { step in (0..<4).map { schedule.isFirstVisit(at: GroupAddress(step: step, slot: $0)) } }
        #expect(first == [[true, true, true, true], [true, true, true, true], [true, true, false, false], [false, false, false, false]])
    }
}
