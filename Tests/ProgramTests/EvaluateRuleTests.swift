import Foundation
import Testing

extension ProgramTests {
    @Suite("evaluate judges and counts by the rule that is named")
    struct EvaluateRules {
        private static let call = ["problems.jsonl", "--samples", "samples.jsonl"]

        /// One problem with the answer 5, and samples of it.
        private func folder(_ texts: [String], _ extra: (Int) -> [String: Any] = { _ in [:] }) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            _ = try folder.write("{\"question\": \"2 + 3?\", \"answer\": \"#### 5\"}\n", to: "problems.jsonl")
            _ = try folder.write(HandSamples(texts: [("0", texts)]).lines { extra($1) }.joined(), to: "samples.jsonl")
            return folder
        }

        private static let answers = ["#### 5", "The answer is 5.", "#### 5.0", "#### 5\nThat was 2 and 3", "So it is 5", "#### 6"]

        // answer: all that are worth 5. strict: the text after ####, which must be 5. flexible: the last number in the text, which
        // may end with a point. Recorded: the third and the last say of themselves that they are right.
        @Test("answers, the two rules of lm-evaluation-harness and the samples' own word differ where they should", arguments: [
            ("answer", [true, true, true, true, true, false], ["wrong": 1]),
            ("strict-match", [true, false, false, true, false, false], ["wrong": 2, "unread": 2]),
            ("flexible-extract", [true, true, false, false, true, false], ["wrong": 3]),
            ("recorded", [false, false, true, false, false, true], ["wrong": 4]),
        ])
        func judges(rule: String, isRight: [Bool], others: [String: Double]) throws {
            // A problem for each, so that parts show which is right.
            let folder = try TemporaryFolder()
            let problems = try Self.answers.indices.map { try line(["id": "\($0)", "question": "2 + 3?", "answer": "5"]) }
            let samples = try Self.answers.enumerated().map { index, text in
                try line(["problem_id": "\(index)", "text": text, "correct": index == 2 || index == 5])
            }
            _ = try folder.write(problems.joined(), to: "problems.jsonl")
            _ = try folder.write(samples.joined(), to: "samples.jsonl")
            let counted = try Evaluated(Self.call + ["--judge", rule, "--by", "id"], in: folder)
            for (index, text) in Self.answers.enumerated() {
                #expect(counted.json["by/id/\(index)/temperatures/unknown/accuracy"] == (isRight[index] ? 1 : 0), "\(rule): \(text)")
            }
            let shares = ["correct": Double(isRight.count { $0 })].merging(others) { $1 }.mapValues { $0 / 6 }
            let verdicts = counted.json.below("temperatures/unknown/verdicts")
            verdicts.expect(shares)
            #expect(verdicts.leaves.count == shares.count)
            // How often a sample's own word and the rule's are two.
            let disagreements = zip(isRight, isRight.indices).count { $0 != ($1 == 2 || $1 == 5) }
            let said = counted.errors.contains("\(disagreements) samples of samples.jsonl say of themselves whether they are right")
            #expect(said == (rule != "recorded"), "\(counted.errors)")
            #expect(counted.errors.contains("judged as its samples say themselves") == (rule == "recorded"), "\(counted.errors)")
        }

        @Test("the majority votes with the answers that the rule finds")
        func votes() throws {
            // Answers are 5, 6, 6; by the last number of each text 5, 5, 6.
            let folder = try folder(["#### 5", "#### 6\nand not 5", "#### 6"])
            try Evaluated(Self.call, in: folder).json.expect(["maj_at/1": 1, "maj_at/3": 0], below: "temperatures/unknown")
            try Evaluated(Self.call + ["--judge", "flexible-extract"], in: folder).json
                .expect(["maj_at/1": 1, "maj_at/3": 1], below: "temperatures/unknown")
        }

        @Test("recorded needs what it goes by: a sample without correct is bad data, named with its line")
        func unrecorded() throws {
            let folder = try folder(Self.answers) { $0 < 3 ? ["correct": true] : [:] }
            let outcome = try runProgram(["evaluate", "--judge", "recorded"] + Self.call, in: folder.path)
            #expect(outcome.status == 65 && outcome.ownErrors.count == 1 && outcome.output.isEmpty)
            #expect(outcome.errors.contains("samples.jsonl:4 has no correct"), "\(outcome.errors)")
        }

        /// Windows of three words, each a word further, and the answer: neighbours share 3 of 4 tokens, F = 0.75; the next 2, F = 0.5;
        /// the next only the answer. In the order b d a c e.
        private static let chain = [1, 3, 0, 2, 4].map { start in
            ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"][start..<start + 3].joined(separator: " ") + "\n#### 5"
        }

        private static let rougeL = "temperatures/unknown/distinct_correct/rouge_l_"

        // At 0.6 and 0.7 a–b–c–d–e is a chain: greedy keeps b and d, all are one component, a, c, e are three with no two alike.
        @Test("likeness in a chain is counted greedily, by components or by the largest choice, and nothing else changes", arguments: [
            ("greedy", 2), ("components", 1), ("largest", 3),
        ])
        func methods(method: String, count: Double) throws {
            let folder = try folder(Self.chain)
            let json = try Evaluated(Self.call + ["--distinct", method], in: folder).json
            json.expect(["0.6": count, "0.7": count, "0.8": 5].reduce(into: [:]) { $0[Self.rougeL + $1.key] = $1.value })
            json.without(Self.rougeL).expectSame(as: try Evaluated(Self.call, in: folder).json.without(Self.rougeL))
            #expect(json.below("temperatures/unknown/distinct_correct").leaves.keys.count { !$0.contains("interval") } == 5)
        }

        // At 0.5 texts two apart are alike as well: greedy keeps b and then e, which is three from it; no three are three apart each.
        @Test("the thresholds are the given ones only, and nothing else changes", arguments: [
            ("greedy", 2), ("components", 1), ("largest", 2),
        ])
        func thresholds(method: String, count: Double) throws {
            let folder = try folder(Self.chain)
            let json = try Evaluated(Self.call + ["--thresholds", "0.9,0.5", "--distinct", method], in: folder).json
            let kinds = json.below("temperatures/unknown/distinct_correct").withoutIntervals.leaves
            #expect(kinds == ["exact": "5.0", "equations": "5.0", "rouge_l_0.5": "\(count)", "rouge_l_0.9": "5.0"])
            json.without(Self.rougeL).expectSame(as: try Evaluated(Self.call, in: folder).json.without(Self.rougeL))
        }

        @Test("--stemmer compares stems, and nothing else changes")
        func stemmer() throws {
            // Only 5 of 3 tokens is common, F = 1/3; the stems are hors, jump and 5 in both.
            let folder = try folder(["horses jumped\n#### 5", "horse jump\n#### 5"])
            let (plain, stemmed) = (try Evaluated(Self.call, in: folder).json, try Evaluated(Self.call + ["--stemmer"], in: folder).json)
            for threshold in ["0.6", "0.7", "0.8"] {
                #expect(plain[Self.rougeL + threshold] == 2 && stemmed[Self.rougeL + threshold] == 1)
            }
            stemmed.without(Self.rougeL).expectSame(as: plain.without(Self.rougeL))
        }
    }
}
