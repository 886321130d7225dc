import Rollout
import Collective
import Foundation
import Testing

@testable import Fuzzing
@testable import gfn_dist

/// The messages of the program's own: they cannot be had by another program, so their cases run in the process of the tests.
@Suite("Damaged messages of the program") struct MessageTests {
    /// 10,000 by scripts/fuzz.sh --messages.
    private static let cases = Int(ProcessInfo.processInfo.environment["GFN_FUZZ_CASES"] ?? "") ?? 400

    /// Reads damaged frames; `read` returns what it makes of one, as a frame again. Says how many were read and refused.
    private func attack(_ name: String, _ originals: [[UInt8]], read: ([UInt8]) throws -> [UInt8]) {
        let mutator = ByteMutator(donors: originals)
        var (accepted, refused) = (0, 0)
        for number in 0..<Self.cases {
            var random = FuzzRandom(seed: 5, format: name, number: number)
            var bytes = random.pick(originals)
            let changes = mutator.mutateFrame(&bytes, using: &random)
            let start = ContinuousClock.now
            do {
                #expect(try read(bytes) == bytes, "\(name) \(number) \(changes) is not what was read")
                accepted += 1
            } catch is MessageFrameError {
                refused += 1
            } catch is ByteReaderError {
                refused += 1
            } catch is TrajectoryCodingError {
                refused += 1
            } catch is WeightCodingError {
                refused += 1
            } catch {
                Issue.record("\(name) \(number) \(changes): \(type(of: error)) \(error)")
            }
            #expect(start.duration(to: .now) < .seconds(2), "\(name) \(number) \(changes)")
        }
        print("Damaged messages: \(name): \(accepted) read, \(refused) refused")
        #expect(accepted > 0 && accepted + refused == Self.cases)
    }

    @Test("what a rollout sends to the learners")
    func rolloutBatch() throws {
        let batches = [0, 1, 3].map { count in
            RolloutBatch(
                step: 4, stopRequested: false, saveRequested: true, secondsSampling: 0.5, secondsScoring: 0.25,
                groups: (0..<count).map { TrajectoryFormat.group(slot: $0, size: 3) },
                seeds: (0..<count / 2).map { TrajectoryFormat.group(slot: $0, size: 1) },
                outlines: (0..<count).map { GroupOutline(TrajectoryFormat.group(slot: count + $0, size: 2)) })
        }
        attack("rollout batch", batches.map { $0.encoded() }) { try RolloutBatch(MessageFrame.decode($0)).encoded() }
    }

    @Test("weights, and what goes with them, begun groups and orders of rollouts that run free")
    func free() throws {
        let weights = WeightCoding.encode(bits: Array(0..<50), version: 7).payload
        let frames = [false, true].map { PublishedWeights(shares: [4, 6, 5], weights: weights).frame(isLast: $0).encoded() }
        attack("weights with limits", frames) { bytes in
            let frame = try MessageFrame.decode(bytes)
            let published = try PublishedWeights(frame, expecting: .limits(atLeast: [4, 4, 4], total: 9))
            #expect(published.shares.allSatisfy { (4...9).contains($0) } && published.shares.count == 3)
            return published.frame(isLast: frame.kind == FrameKind.lastWeights).encoded()
        }
        attack("begun groups", [(0, 1), (7, 4)].map { BegunGroups(version: $0, count: $1).encoded() }) {
            try BegunGroups(MessageFrame.decode($0)).encoded()
        }
        attack("order of a step", [[], [0], [3, 0, 1, 3]].map { StepOrder($0).encoded() }) { try StepOrder(MessageFrame.decode($0)).encoded() }
    }

    @Test("what rank 0 orders and what it is answered while it scores")
    func score() throws {
        var writer = ByteWriter()
        writer.write(2)
        for _ in 0..<2 {
            writer.write([1, 2, 3] as [Int32])
            writer.write(2)
            for _ in 0..<2 { writer.write([4, 5] as [Int32]) }
        }
        var reader = ByteReader(writer.bytes)
        let batch = try ScoreBatch(&reader)
        let orders: [ScoreOrder] = [.score(batch), .end, .fail(Launch.SharedFailure(code: 65, text: "a line is bad"))]
        attack("score order", orders.map { $0.encoded() }) { try ScoreOrder($0).encoded() }

        var scores = ByteWriter()
        for count in [0, 1, 5] {
            scores.write((0..<count).map { -Float($0) })
            scores.write((0...count).map { -Float($0) })
            scores.write((0..<count).map { 1 / Float($0 + 1) })
        }
        var lines = ByteReader(scores.bytes)
        var answered: [LineScores] = []
        for _ in 0..<3 { answered.append(try LineScores(&lines)) }
        let answer = ScoreAnswer(answered)
        attack("score answer", [answer.encoded(), ScoreAnswer([] as [LineScores]).encoded()]) { try ScoreAnswer($0).encoded() }
    }

    @Test("what rank 0 orders and what it is told while problems are sampled")
    func sample() throws {
        let failure = Launch.SharedFailure(code: 74, text: "the disk is full")
        let orders: [SampleOrder] = [.sample(3..<9), .end, .fail(failure)]
        attack("sample order", orders.map { $0.encoded() }) { try SampleOrder($0).encoded() }

        var problem = SampledProblem()
        problem.text = Array("{}\n{}\n".utf8)
        (problem.solutions, problem.tokens, problem.correct) = (2, 17, 1)
        let reports: [SampleReport<SampledProblem>] = [.done([problem, SampledProblem()]), .done([]), .failed(failure), .interrupted, .givenUp]
        attack("sample report", reports.map { $0.encoded() }) { try SampleReport<SampledProblem>($0).encoded() }
    }
}

@Suite("Settings that are no settings") struct YAMLGuardTests {
    @Test(
        "references and deep nesting are refused with their line, before the parser sees them",
        arguments: [
            ("a: &x 1", 1), ("a: 1\nb: *x", 2), ("a: 1\n\n- *x", 3), ("? *a", 1), ("a: [1, *x]", 1), ("a: !t &x 1", 1), ("a: 1\r&x b: 2", 2),
            ("# \"\n\"# \": &x 1", 2), (String(repeating: "[", count: 17), 1), (String(repeating: "- ", count: 20), 1),
            (String(repeating: "- ", count: 16) + "-", 1), (String(repeating: "-\t", count: 20), 1), ("a: -&x", 1),
            (String(repeating: "{a: \n", count: 17), 17), ("x: 1\u{2028}&a b", 2),
        ])
    func refused(text: String, line: Int) {
        let found = YAMLGuard(text).refusedLine
        #expect(found?.number == line, "\(text.debugDescription): \(String(describing: found))")
    }

    @Test(
        "ordinary settings pass",
        arguments: [
            "a: 1\nb:\n  c: R&D\n  d: \"*x\"\n", "# *bold* and &c\na: 2*3", "lora: {targets: [q_proj, v_proj]}", "a: /path/with & blank", "- - -1", "",
            "{" + (0..<40).map { "a\($0): -8" }.joined(separator: ", ") + "}",
        ])
    func passes(text: String) { #expect(YAMLGuard(text).refusedLine == nil) }

    @Test("a file of a thousand unknown keys is answered at once, by the first hundred")
    func manyProblems() {
        var layers = ConfigurationLayers()
        layers.lay(yaml: (0..<1000).map { "nothing\($0): 1" }.joined(separator: "\n"), named: "run.yaml")
        #expect { try layers.check() } throws: { ($0 as? ConfigurationError)?.problems.count == 100 }
        var large = ConfigurationLayers()
        large.lay(yaml: String(repeating: "# nothing\n", count: 200_000), named: "run.yaml")
        #expect { try large.check() } throws: { "\($0)".contains("bytes") }
    }
}
