import Learner
import Model
import Problems
import Rollout
import Tensor
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("what is learned from collected samples")
    struct Collected {
        private static func configuration(_ assignments: String...) throws -> RunConfiguration {
            var layers = ConfigurationLayers()
            for assignment in assignments { layers.set(assignment: assignment) }
            return try RunConfiguration(layers)
        }

        private static let reward = RewardSettings(referenceExponent: LinearSchedule(constant: 0))

        /// Samples as a rollout finds them, in the buffer that a run has for them.
        private static func collect(
            _ samples: [(problem: Int, responses: [[Int32]])], task: any Problems.Task, _ configuration: RunConfiguration,
            stop: StopReason = .stopToken
        ) -> ReplayBuffer {
            var replay = ReplayBuffer(configuration.replaySettings, similarity: configuration.replaySimilarity(of: task))
            for (problem, responses) in samples {
                let trajectories = responses.map { response in
                    let count = response.count
                    return Trajectory(
                        response: response, stop: stop, tokenLogProbabilities: Array(repeating: -1, count: count),
                        stopLogProbabilities: Array(repeating: -2, count: count + 1),
                        referenceTokenLogProbabilities: Array(repeating: -1, count: count),
                        referenceStopLogProbabilities: Array(repeating: -2, count: count + 1),
                        states: [task.states(of: response, stop: stop, problem: problem)[0]])
                }
                replay.insert(
                    [
                        TrajectoryGroup(
                            address: GroupAddress(step: 0, slot: 0), promptID: problem, prompt: task.promptTokens(of: problem),
                            trajectories: trajectories, sampledWith: 0)
                    ], reward: reward)
            }
            return replay
        }

        /// All examples, each once, whatever their order: those of as many slots as there are.
        private static func examples(
            _ count: Int, of replay: ReplayBuffer, task: any Problems.Task, _ configuration: RunConfiguration
        ) -> [TrajectoryGroup]? {
            var needs = configuration.needs
            needs.samples = .start(steps: 5, examplesPerStep: count)
            var collected = CollectedExamples(replay, task: task, needs: needs, seed: configuration.seed)
            return collected?.batch(of: 5)
        }

        private static func texts(_ groups: [TrajectoryGroup]?, _ task: TextTask) -> [String]? {
            groups?.map { group in group.trajectories.map { task.text(of: $0.response) }.joined(separator: "|") }.sorted()
        }

        /// Problems in bytes, with their own solutions; what ends in an exclamation mark is right.
        private struct TextTask: Problems.Task {
            let name = "text", stopTokens = StopTokens([0]), taughtStop: Int32 = 0, defaultMaxNewTokens = 8
            var originals: [String?]
            var problemCount: Int { originals.count }

            static func tokens(_ texts: String...) -> [[Int32]] { texts.map { $0.utf8.map(Int32.init) } }
            func question(of problem: Int) -> String { text(of: promptTokens(of: problem)) }
            func gold(of problem: Int) -> String? { nil }
            func promptTokens(of problem: Int) -> [Int32] { [Int32(problem) + 1] }
            func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
                let isCorrect = verdict(on: response, stop: stop, problem: problem).isCorrect
                return [TerminableState(index: response.count, process: 0, isFinished: stop == .stopToken, isCorrect: isCorrect)]
            }
            func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict {
                Verdict(stop == .stopToken && response.last == 33 ? .correct : .wrong)
            }
            func demonstration(of problem: Int, sample: Int) -> [Int32]? { originals[problem].map { Self.tokens($0)[0] } }
            func isStepEnd(_ token: Int32) -> Bool { false }
            var stepEnd: [Int32] { [] }
            func text(of tokens: [Int32]) -> String { String(decoding: tokens.map { UInt8($0) }, as: UTF8.self) }
            func responseTokens(of text: String, to problem: Int) -> [Int32] { text.utf8.map { Int32($0) } }
        }

        @Test("RFT: right originals, and of each problem one right sample for each list of equations")
        func demonstrations() throws {
            let configuration = try Self.configuration("objective=rft")
            let task = TextTask(originals: ["1+1=2!", "1+1=3", nil, "so!"])
            let samples = [
                (problem: 0, responses: TextTask.tokens("1+1=2!", "2-0=2!", "2 - 0 = 2 apples!", "1+1=2, 2-0=2!", "0+2=2")),
                (problem: 1, responses: TextTask.tokens("1+1=2!", "1+1=2 pears!")),
                (problem: 2, responses: TextTask.tokens("5+5=10!", "nothing", "words!", "words!", "other words!")),
            ]
            let replay = Self.collect(samples, task: task, configuration)
            #expect(
                Self.texts(Self.examples(8, of: replay, task: task, configuration), task) == [
                    "1+1=2 pears!", "1+1=2!", "1+1=2, 2-0=2!", "2 - 0 = 2 apples!", "5+5=10!", "other words!", "so!", "words!",
                ])
            let examples = try #require(Self.examples(8, of: replay, task: task, configuration))
            #expect(Set(examples.map(\.promptID)) == [0, 1, 2, 3])
            for (slot, example) in examples.enumerated() {
                #expect(example.prompt == task.promptTokens(of: example.promptID))
                #expect(example.address == GroupAddress(step: 5, slot: slot))
                #expect(example.trajectories.allSatisfy { !$0.isSampled && $0.stop == .stopToken }, "to imitate, whoever wrote it")
            }
            // What was cut at the limit is not right, whatever it says.
            let cut = Self.collect([(problem: 2, responses: TextTask.tokens("5+5=10!"))], task: task, configuration, stop: .length)
            #expect(Self.texts(Self.examples(2, of: cut, task: task, configuration), task) == ["1+1=2!", "so!"])
        }

        @Test("RFT: of PathSum's textbook, the solutions without a misprint")
        func textbook() throws {
            let configuration = try Self.configuration("objective=rft")
            func task(misprints: Double) -> PathSum {
                PathSum(pairs: Array(PathSum.reachablePairs.prefix(40)), seed: 1, textbook: TextbookStyle(misprintShare: misprints))
            }
            func originals(_ task: PathSum) -> [Int]? {
                let empty = Self.collect([], task: task, configuration)
                return Self.examples(40, of: empty, task: task, configuration).map { Set($0.map(\.promptID)).sorted() }
            }
            #expect(originals(task(misprints: 0)) == Array(0..<40))
            let some = task(misprints: 0.5)
            // Right solutions are listed by the task itself.
            let right = (0..<40).filter { problem in
                some.demonstration(of: problem, sample: 0).map { some.solutions(of: problem).contains($0) } == true
            }
            #expect(originals(some) == right && (5..<35).contains(right.count), "\(right)")
        }

        @Test("DPO: of each problem as many pairs as it has right and wrong samples for, each sample once")
        func pairs() throws {
            let configuration = try Self.configuration("objective=dpo")
            let task = TextTask(originals: ["original!", nil, nil])
            let samples = [
                (problem: 0, responses: TextTask.tokens("a!", "b", "c!", "d", "e!", "f", "g!", "h!", "a!", "b")),
                (problem: 1, responses: TextTask.tokens("right!", "right too!")), (problem: 2, responses: TextTask.tokens("x", "y!")),
            ]
            let replay = Self.collect(samples, task: task, configuration)
            let pairs = try #require(Self.examples(4, of: replay, task: task, configuration))
            #expect(pairs.map(\.promptID).sorted() == [0, 0, 0, 2])
            let responses = pairs.flatMap { $0.trajectories.map { [Int32($0.isCorrect ? 1 : 0)] + $0.response } }
            #expect(responses.count == 8 && Set(responses).count == 8)
            for pair in pairs {
                #expect(pair.trajectories.map(\.isCorrect) == [true, false] && pair.trajectories.allSatisfy(\.hasReference))
                #expect(pair.prompt == task.promptTokens(of: pair.promptID))
            }
            #expect(Self.texts(Self.examples(4, of: replay, task: task, configuration), task) == Self.texts(pairs, task))
            let others = try (2...9).map { seed in
                Self.texts(Self.examples(4, of: replay, task: task, try Self.configuration("objective=dpo", "seed=\(seed)")), task)
            }
            #expect(Set(others + [Self.texts(pairs, task)]).count > 1, "who is paired with whom is random")
        }

        @Test("DPO: a problem with more samples than are kept loses the oldest of both kinds")
        func full() throws {
            let configuration = try Self.configuration("objective=dpo", "replay.per_prompt=4")
            let task = TextTask(originals: [nil])
            let replay = Self.collect(
                [(problem: 0, responses: TextTask.tokens("a!", "b", "c!", "d", "e!", "f"))], task: task, configuration)
            let examples = Self.examples(2, of: replay, task: task, configuration)
            #expect(Set(examples?.flatMap { $0.trajectories.map { task.text(of: $0.response) } } ?? []) == ["c!", "d", "e!", "f"])
        }

        @Test("nothing collected is nothing to learn from")
        func nothing() throws {
            let task = TextTask(originals: [nil, "wrong"])
            for method in ["rft", "dpo"] {
                let configuration = try Self.configuration("objective=\(method)")
                #expect(Self.examples(1, of: Self.collect([], task: task, configuration), task: task, configuration) == nil)
                let wrong = Self.collect([(problem: 0, responses: TextTask.tokens("a", "b"))], task: task, configuration)
                #expect(Self.examples(1, of: wrong, task: task, configuration) == nil)
            }
            let dpo = try Self.configuration("objective=dpo")
            let right = Self.collect([(problem: 0, responses: TextTask.tokens("a!", "b!"))], task: task, dpo)
            #expect(Self.examples(1, of: right, task: task, dpo) == nil)
        }

        @Test("examples go on in an order of their own in each round, the same for equal seeds")
        func order() throws {
            let configuration = try Self.configuration("objective=rft")
            let task = TextTask(originals: (0..<12).map { "\($0)!" })
            func rounds(_ configuration: RunConfiguration) throws -> [[Int]] {
                var needs = configuration.needs
                needs.samples = .start(steps: 3, examplesPerStep: 4)
                let empty = Self.collect([], task: task, configuration)
                var collected = try #require(CollectedExamples(empty, task: task, needs: needs, seed: configuration.seed))
                let order = (3..<9).flatMap { collected.batch(of: $0).map(\.promptID) }
                return [Array(order.prefix(12)), Array(order.dropFirst(12))]
            }
            let first = try rounds(configuration)
            #expect(first.allSatisfy { $0.sorted() == Array(0..<12) } && first[0] != first[1])
            #expect(try rounds(configuration) == first)
            #expect(try rounds(try Self.configuration("objective=rft", "seed=2")) != first)
        }
    }
}
