import Model
import Problems
import Rollout
import Tensor
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("behaviour and replay")
    struct Replay {
        private func configuration(_ values: [String: String]) throws -> RunConfiguration {
            var layers = ConfigurationLayers()
            for (name, value) in values.sorted(by: { $0.key < $1.key }) { layers.set(assignment: "\(name)=\(value)") }
            return try RunConfiguration(layers)
        }

        @Test("tempered groups, measured shares, near-duplicates, seeds and every prefix leave the same bytes on 1 and 2 ranks")
        func everything() throws {
            let settings = ProgramTests.everything
            let (alone, shared) = (try Reference.run(settings), try train(settings, on: .mpirun(2)))
            #expect(alone.digest == shared.digest && alone.adapter == shared.adapter)
            #expect(try alone.files.comparableMetrics() == shared.files.comparableMetrics())
            #expect(try alone.files.numbers("logprob_difference_max") == Array(repeating: 0, count: Settings.steps))

            let files = alone.files
            let shares = try ["on_policy_share", "tempered_share", "replay_share"].map { try files.numbers($0) }
            for step in 0..<Settings.steps { #expect(abs(shares[0][step] + shares[1][step] + shares[2][step] - 1) < 1e-12) }
            #expect(shares[0].contains { $0 > 0 } && shares[1].contains { $0 > 0 }, "\(shares)")
            #expect(shares[2][0] == 0 && (shares[2].max() ?? 0) > 0, "there is nothing to replay in the first step: \(shares)")
            #expect(try files.numbers("replay_seeds") == Array(repeating: 4, count: Settings.steps), "one for each new problem")
            #expect(try files.numbers("replay_duplicate_share").contains { $0 > 0 })
        }

        @Test("a run that goes on compares with what its checkpoint holds, and leaves the bytes of an unbroken one")
        func resume() throws {
            let half = try train(ProgramTests.everything.with(["train.steps": "5"]), on: .single(2))
            let whole = try train(.standard, ["--set", "train.steps=\(Settings.steps)"], on: .single(1), in: half.folder, resuming: true)
            let reference = try Reference.run(ProgramTests.everything)
            #expect(whole.digest == reference.digest && whole.adapter == reference.adapter)
            #expect(try whole.files.comparableMetrics() == reference.files.comparableMetrics())
        }

        @Test("each of these settings matters", arguments: ProgramTests.everythingNames)
        func differences(name: String) throws {
            let fallback = try #require(gfn_dist.Setting.named(name)).fallback
            let (all, allButOne) = (ProgramTests.everything, ProgramTests.everything.with([name: fallback]))
            #expect(try Reference.run(allButOne).digest != Reference.run(all).digest)
        }

        @Test("replayed groups have their share of all steps", arguments: [0, 0.1, 0.25, 0.3, 0.5, 0.77, 0.95], [1, 4, 7, 16])
        func replayedGroups(share: Double, prompts: Int) throws {
            let configuration = try configuration(["replay.share": "\(share)", "train.prompts_per_step": "\(prompts)"])
            let each = Double(prompts) * share / (1 - share)
            var sum = 0
            for step in 0..<300 {
                let count = configuration.replayedGroups(in: step)
                #expect(count == Int(each) || count == Int(each + 1 + 1e-6) || count == Int(each + 1e-6))
                sum += count
                #expect(abs(Double(sum) - each * Double(step + 1)) < 1 + 1e-5)
            }
            #expect(configuration.replayedGroups(in: 10_000_000) >= Int(each))
        }

        @Test("a range of temperatures, and a threshold that nothing asks for, are checked")
        func checks() throws {
            let tempered = ["rollout.temperature": "0.5", "rollout.temperature_high": "2", "rollout.tempered_share": "0.25"]
            #expect(try configuration(tempered).behaviour == Behaviour(temperature: 0.5, highest: 2, temperedShare: 0.25))
            #expect(try configuration([:]).behaviour == Behaviour())
            #expect(throws: ConfigurationError.self) { try configuration(["rollout.temperature_high": "0.9"]) }
            #expect(throws: ConfigurationError.self) { try configuration(["replay.distinct_threshold": "0.9"]) }
            #expect(throws: ConfigurationError.self) {
                try configuration(["replay.distinct": "equations", "replay.distinct_threshold": "0.9"])
            }
            _ = try configuration(["replay.distinct": "rouge-l", "replay.distinct_threshold": "0.9"])
        }

        @Test("near-duplicates by edits, by words, by equations")
        func similarity() throws {
            let task = TextTask()
            func areAlike(_ kind: DistinctResponses, _ threshold: Double?, _ a: String, _ b: String) throws -> Bool {
                let similarity = try #require(kind.similarity(of: task, threshold: threshold))
                let (a, b) = (task.tokens(of: a), task.tokens(of: b))
                let areAlike = similarity.areNearDuplicates(a, b)
                #expect(similarity.areNearDuplicates(b, a) == areAlike)
                return areAlike
            }
            #expect(DistinctResponses.exact.similarity(of: task, threshold: nil) == nil)
            // 3 of 10 tokens and 10, of which a quarter is 5.
            #expect(try areAlike(.editDistance, nil, "abcdefghij", "abcdefgxyz"))
            #expect(try !areAlike(.editDistance, 0.15, "abcdefghij", "abcdefgxyz"), "3 is not below 3")
            // 4 of 5 words: F1 is 0.8, which is not below the threshold.
            #expect(try areAlike(.rougeL, nil, "one two three four five", "One, two, three, four: six."))
            #expect(try !areAlike(.rougeL, 0.81, "one two three four five", "one two three four six"))
            #expect(try areAlike(.equations, nil, "So 2 + 3 = 5.", "First 2+3=5 apples") && !areAlike(.equations, nil, "2+3=5", "3+2=5"))
            #expect(try !areAlike(.equations, nil, "five", "5") && areAlike(.equations, nil, "five", "five"))
        }

        /// The bytes of a text are its tokens.
        private struct TextTask: Problems.Task {
            let name = "text", problemCount = 1, stopTokens = StopTokens([0]), taughtStop: Int32 = 0, defaultMaxNewTokens = 8

            func tokens(of text: String) -> [Int32] { text.utf8.map(Int32.init) }
            func question(of problem: Int) -> String { text(of: promptTokens(of: problem)) }
            func gold(of problem: Int) -> String? { nil }
            func promptTokens(of problem: Int) -> [Int32] { [1] }
            func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] { [] }
            func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict { Verdict(.unread) }
            func demonstration(of problem: Int, sample: Int) -> [Int32]? { nil }
            func isStepEnd(_ token: Int32) -> Bool { false }
            var stepEnd: [Int32] { [] }
            func text(of tokens: [Int32]) -> String { String(decoding: tokens.map { UInt8($0) }, as: UTF8.self) }
            func responseTokens(of text: String, to problem: Int) -> [Int32] { text.utf8.map { Int32($0) } }
        }
    }

    /// Every setting of behaviour and replay away from its default.
    fileprivate static let everything = Settings.standard.with(everythingValues).with(otherValues)
    fileprivate static let everythingNames = everythingValues.keys.sorted()
    private static let everythingValues = [
        "rollout.temperature": "0.5", "rollout.temperature_high": "2", "rollout.tempered_share": "0.6",
        "replay.distinct": "edit-distance", "replay.seed": "demonstrations", "states": "tokens",
    ]
    /// What these need to have an effect, and a schedule that more steps do not change.
    private static let otherValues = ["replay.share": "0.4", "replay.keep": "all", "train.schedule": "constant"]
}
