import Model
import Testing

@testable import Problems
@testable import Rollout

@Suite("Terminability")
struct TerminabilityTests {
    /// 37 → 84: a right step, a wrong one that states the target, and half a line.
    private let task = PathSum(pairs: [PathSum.Pair(start: 37, target: 84)], processFloor: 0.01)
    private let wrong: Float = -4.6051702

    private func states(_ text: String, _ terminability: Terminability, stop: StopReason = .stopToken) -> [TerminableState] {
        terminability.states(of: task.states(of: PathSum.tokens(of: text), stop: stop, problem: 0))
    }

    private func state(_ index: Int, _ process: Float, finished: Bool = false, correct: Bool = false) -> TerminableState {
        TerminableState(index: index, process: process, isFinished: finished, isCorrect: correct)
    }

    @Test("a right solution may end after its lines, anywhere, or at its end")
    func solution() {
        // +7 44, *2 88, -4 84: twelve tokens.
        let text = "+7 44\n*2 88\n-4 84\n"
        let named = [state(4, 0), state(8, 0), state(12, 0, finished: true, correct: true)]
        #expect(states(text, .steps) == named)
        #expect(states(text, .end) == [named[2]])
        let all = states(text, .tokens)
        #expect(all.map(\.index) == Array(0...12))
        #expect(all.filter { $0.index % 4 == 0 && $0.index > 0 } == named, "what the task names stays as it is")
        #expect(all.filter { $0.index % 4 != 0 || $0.index == 0 }.allSatisfy { !$0.isFinished && !$0.isCorrect && $0.process == 0 })
    }

    @Test("between the states that the task names, a prefix has the score of the steps before it")
    func process() {
        let text = "+7 44\n*2 84\n-4"
        let half = state(10, 2 * wrong)
        #expect(states(text, .end) == [half])
        #expect(states(text, .steps) == [state(4, 0), state(8, wrong, finished: true), half])
        #expect(
            states(text, .tokens) == (0...7).map { state($0, 0) }
                + [state(8, wrong, finished: true), state(9, wrong), half])
    }

    @Test("the empty response is its own end", arguments: Terminability.allCases)
    func empty(_ terminability: Terminability) {
        #expect(states("", terminability) == [state(0, wrong)])
    }

    @Test("a response that was cut ends where it was cut", arguments: Terminability.allCases)
    func cut(_ terminability: Terminability) {
        let response = PathSum.tokens(of: "+7 44\n*2")
        let states = states("+7 44\n*2", terminability, stop: .length)
        #expect(states.last == state(6, wrong))
        #expect(states.map(\.index) == [.tokens: Array(0...6), .steps: [4, 6], .end: [6]][terminability])
        let trajectory = Trajectory(
            response: response, stop: .length, tokenLogProbabilities: Array(repeating: -1, count: 6),
            stopLogProbabilities: Array(repeating: -1, count: 7), states: states)
        #expect(trajectory.problems() == [])
    }
}
