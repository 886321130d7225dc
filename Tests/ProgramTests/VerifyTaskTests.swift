import Foundation
import Model
import Problems
import Rollout
import Tensor
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("The tasks of verify")
    struct VerifyTasks {
        private static let resources = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            .appendingPathComponent("Sources/gfn-dist/Resources")
        static let names = VerifyRules.all.keys.sorted()

        private static func path(_ name: String) -> String { resources.appendingPathComponent("verify/\(name).yaml").path }

        /// For the embedded base.
        private static func task(_ name: String) throws -> EnumerableTask {
            let file = try TaskFile.read(path(name))
            let model = try ModelFiles.open(resources.appendingPathComponent("pathsum-base").path)
            // A suite has the type's name.
            let named = Model.ResponseEnds(of: model, template: nil)
            let ends = try #require(named)
            return try EnumerableTask(
                name: name, problems: file.problems, correctAt: file.correctAt, tokenizer: try model.requireTokenizer(),
                beginToken: model.configuration.beginToken, stopTokens: ends.stopTokens, taughtStop: ends.taught,
                contextLength: model.configuration.contextLength)
        }

        private static func logZ(_ rewards: [Float]) -> Double { log(rewards.reduce(0) { $0 + exp(Double($1)) }) }

        @Test("each file is of a task with a rule, and the other way round")
        func files() throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: Self.resources.appendingPathComponent("verify").path)
            #expect(files.sorted() == Self.names.map { "\($0).yaml" })
        }

        @Test("ends and log rewards are those of the rule, to six digits", arguments: names)
        func rule(name: String) throws {
            let rule = try #require(VerifyRules.all[name])
            let task = try Self.task(name)
            #expect(task.problemCount == rule.count)
            for problem in 0..<task.problemCount {
                let expected = try #require(rule[task.question(of: problem)])
                let ends = task.ends(of: problem)
                #expect(Set(ends.map(\.text)) == Set(expected.keys))
                // Half a unit of the sixth digit below 10, and the rounding to float32.
                let wrong = ends.filter { end in abs(Double(end.logReward) - (expected[end.text] ?? .infinity)) > 5.5e-6 }
                #expect(wrong.isEmpty, "\(wrong.prefix(3))")
            }
        }

        @Test("with the file's own settings a state's log reward is the listed number", arguments: names)
        func rewards(name: String) throws {
            var layers = ConfigurationLayers()
            for (name, value, place) in try TaskFile.read(Self.path(name)).settings {
                layers.set(name, to: value, from: Origin(description: place))
            }
            let rewards = try RunConfiguration(layers).rewards
            #expect(rewards.referenceExponent == LinearSchedule(constant: name == "reference" ? 1 : 0))
            let task = try Self.task(name)
            for problem in 0..<task.problemCount {
                for end in task.ends(of: problem) {
                    let state = try #require(task.states(of: end.tokens, stop: .stopToken, problem: problem).last)
                    #expect(rewards.untempered(state) == Double(end.logReward) && state.index == end.tokens.count)
                    #expect(rewards.logReward(of: state, referenceLogProbability: 0, step: 3) == Double(end.logReward))
                }
            }
        }

        @Test("log Z of numbers, and how many ends there are")
        func sizes() throws {
            let numbers = try Self.task("numbers").ends(of: 0)
            #expect(abs(Self.logZ(numbers.map(\.logReward)) - 5.431) < 5e-4)
            #expect(numbers.count == 1111 && numbers.count(where: \.isCorrect) == 100)
            #expect(try Self.task("bits").ends(of: 0).count == 4096)
            #expect(try Self.task("sixteen").ends(of: 0).count == 16)
            #expect(try Self.task("prefixes").ends(of: 0).count == 48)
        }

        @Test("steps with a calculator are those that PathSum finds right, and right answers are PathSum's")
        func pathSumTool() throws {
            let task = try Self.task("pathsum-tool")
            for problem in 0..<task.problemCount {
                let pathSum = try Self.pathSum(of: task, problem)
                for end in task.ends(of: problem) {
                    let states = pathSum.states(of: end.tokens, stop: .stopToken, problem: 0)
                    #expect((1...2).contains(states.count) && states.allSatisfy { $0.process == 0 })
                    #expect(end.isCorrect == states.last?.isCorrect && end.logReward == (end.isCorrect ? 0 : -8))
                }
                let solutions = pathSum.solutions(of: 0).filter { $0.count <= 8 }
                #expect(Set(task.ends(of: problem).filter(\.isCorrect).map(\.tokens)) == Set(solutions))
            }
        }

        @Test("right answers for a reward model are PathSum's, and some of each kind are listed")
        func learned() throws {
            let task = try Self.task("learned")
            for problem in 0..<task.problemCount {
                let pathSum = try Self.pathSum(of: task, problem)
                let ends = task.ends(of: problem)
                for end in ends {
                    #expect(end.isCorrect == pathSum.verdict(on: end.tokens, stop: .stopToken, problem: 0).isCorrect, "\(end.text)")
                }
                #expect(Set(ends.map(\.isCorrect)) == [true, false] && (250...350).contains(ends.count))
            }
        }

        /// The same problem of the embedded task.
        private static func pathSum(of task: EnumerableTask, _ problem: Int) throws -> PathSum {
            let prompt = task.promptTokens(of: problem)
            let numbers = prompt.compactMap(PathSum.Vocabulary.number(of:))
            try #require(numbers.count == 2)
            let pathSum = PathSum(pairs: [PathSum.Pair(start: numbers[0], target: numbers[1])])
            #expect(prompt == pathSum.promptTokens(of: 0))
            return pathSum
        }

        @Test(
            "no response ends at the root where that is the point",
            arguments: ["pathsum-tool", "rootless", "reference", "learned", "bits"])
        func roots(name: String) throws {
            let task = try Self.task(name)
            for problem in 0..<task.problemCount {
                let tree = try #require(task.legalResponses(to: problem))
                #expect(!tree.isEnd(tree.root))
            }
        }

        @Test("the trees of rootless differ in mass by a factor of hundreds")
        func rootlessMasses() throws {
            let ends = try Self.task("rootless").ends(of: 0)
            let masses = Dictionary(grouping: ends) { $0.tokens[0] }.mapValues { Self.logZ($0.map(\.logReward)) }
            #expect(masses.count == 12)
            let (least, most) = (try #require(masses.values.min()), try #require(masses.values.max()))
            #expect(most - least > 5.5)
        }

        @Test("the longest list is read in seconds, unoptimised")
        func speed() throws {
            let clock = ContinuousClock()
            let reading = try clock.measure { _ = try TaskFile.read(Self.path("bits")) }
            let whole = try clock.measure { _ = try Self.task("bits") }
            print("bits: read in \(reading), with its tokens in \(whole)")
            #expect(reading < .seconds(10))
        }
    }
}
