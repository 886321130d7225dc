import Foundation
import Testing

extension ProgramTests {
    @Suite("evaluate counts anybody's samples")
    struct Evaluate {
        static let problems = """
            {"id": "a", "question": "2 + 3?", "answer": "#### 5", "level": "easy"}
            {"id": "b", "question": "2 * 3?", "answer": "#### 6", "level": "hard"}
            {"id": "c", "question": "9 - 2?", "answer": "#### 7", "level": "easy"}

            """

        static let samples = HandSamples(texts: [
            ("a", ["2 + 3 = 5\n#### 5", "3 + 2 = 5\n#### 5", "2 + 3 = 6\n#### 6", "2+3 = 5\n#### 5"]),
            ("b", ["2 + 3 = 5\n#### 5", "2 * 3 = 6\n#### 6", "I do not know", "2 * 3 = 6\n#### 6"]),
            ("c", ["9 - 2 = 8\n#### 8", "No idea at all, sorry.", "9 - 3 = 6\n#### 6", "9 - 2 = 8\n#### 8"]),
        ])

        /// Problems and samples in a folder of their own.
        private func folder(_ samples: String? = nil, problems: String = Self.problems) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            _ = try folder.write(problems, to: "problems.jsonl")
            _ = try folder.write(samples ?? Self.samples.lines().joined(), to: "samples.jsonl")
            return folder
        }

        private static let call = ["problems.jsonl", "--samples", "samples.jsonl"]

        @Test("every figure of samples with no more than a name and a text is the one worked out by hand")
        func figures() throws {
            let json = try Evaluated(Self.call, in: try folder()).json
            #expect(json.leaves["dataset"] == "'problems.jsonl'" && json.leaves["name"] == nil && json.leaves["exact"] == nil)
            json.expect(["problems": 3, "samples_per_problem": 4, "policy_version": .nan, "problems_without_samples": .nan])
            // Right are 3, 2 and 0 of 4. pass@2 of b: 1 − C(2,2)/C(4,2) = 5/6. Of a: the first wrong one leaves no pair of wrong ones.
            // Votes of b: 5; 5 6, of which 5 came first; 5 6 and none; 5 6 6.
            // Of a, the fourth has the words of the first, and of 2 3 5 5 and 3 2 5 5 three of four are common: F = 0.75.
            // distinct-n counts operators and each # as well: a has 6 different ones of 30, b 6 of 20.
            // Self-BLEU of b is 1. Of a it is 1 for two; the other shares 10/10, 6/9, 5/8 and 4/7 of its n-grams: (5/21)^¼.
            json.expect(
                [
                    "accuracy": 1.25 / 3, "pass_at/1": 1.25 / 3, "pass_at/2": (1 + 5 / 6.0) / 3, "pass_at/3": 2 / 3.0,
                    "pass_at/4": 2 / 3.0, "pass_at/5": .nan, "maj_at/1": 1 / 3.0, "maj_at/2": 1 / 3.0, "maj_at/3": 1 / 3.0,
                    "maj_at/4": 2 / 3.0, "distinct_correct/exact": 4 / 3.0, "distinct_correct/equations": 1,
                    "distinct_correct/rouge_l_0.6": 2 / 3.0, "distinct_correct/rouge_l_0.7": 2 / 3.0, "distinct_correct/rouge_l_0.8": 1,
                    "verdicts/correct": 5 / 12.0, "verdicts/wrong": 5 / 12.0, "verdicts/unread": 2 / 12.0, "verdicts/unfinished": .nan,
                    "distinct_n/1": (6 / 30.0 + 6 / 20.0) / 2, "distinct_n/1_problems": 2,
                    "self_bleu": ((2 + pow(5 / 21.0, 0.25)) / 3 + 1) / 2, "self_bleu_problems": 2,
                    "mean_words": (26 / 4.0 + 25 / 4.0 + 26 / 4.0) / 3, "mean_length": .nan, "unfinished": .nan,
                    "entropy_per_token": .nan,
                ], below: "temperatures/unknown")
            let examples = json.below("temperatures/unknown/examples").leaves
            #expect(
                examples == [
                    "correct/problem_id": "'a'", "correct/text": "'2 + 3 = 5\n#### 5'", "wrong/problem_id": "'a'",
                    "wrong/text": "'2 + 3 = 6\n#### 6'", "unread/problem_id": "'b'", "unread/text": "'I do not know'",
                ])
            // Resamples of 1.25/3 = mean(0.75, 0.5, 0) lie between these, and so do their percentiles.
            let (low, high) = (json["temperatures/unknown/accuracy_interval/0"], json["temperatures/unknown/accuracy_interval/1"])
            #expect(low == 0 && high > 0.5 && high <= 0.75)
        }

        @Test("process rewards choose a sample and weigh votes; without them nothing else changes")
        func processRewards() throws {
            // Highest are a's third, which is wrong, b's second, which is right, and c's first. b's third has no answer.
            let rewards = ["a": [0.5, 0.25, 0.75, 0.5], "b": [0.25, 0.5, 0.5, 0], "c": [1, 0.5, 0.25, 0]]
            let folder = try folder(try Self.samples.lines { ["process_reward": rewards[$0]?[$1] ?? .nan] }.joined())
            let json = try Evaluated(Self.call, in: folder).json
            // Votes of b: 5 has 0.25; 6 has 0.5. Of a: 5 has 0.75, and 6 as much, from the third on.
            json.expect(
                [
                    "best_at/1": 1 / 3.0, "best_at/2": 2 / 3.0, "best_at/3": 1 / 3.0, "best_at/4": 1 / 3.0, "best_at/4_problems": 3,
                    "weighted_maj_at/1": 1 / 3.0, "weighted_maj_at/2": 2 / 3.0, "weighted_maj_at/3": 2 / 3.0, "weighted_maj_at/4": 2 / 3.0,
                ], below: "temperatures/unknown")
            let (best, weighted) = ("temperatures/unknown/best_at", "temperatures/unknown/weighted_maj_at")
            json.without(best, weighted).expectSame(as: try Evaluated(Self.call, in: try self.folder()).json)
        }

        @Test("what samples say of their length, end, entropy and temperature counts, and temperature 0 is the greedy solution")
        func measured() throws {
            let samples = try Self.samples.lines { problem, index in
                // The last of each is the greedy solution; the first of c was cut at its limit.
                [
                    "temperature": index == 3 ? 0 : 0.5, "tokens": Array(repeating: 1, count: index + 1),
                    "entropy": Double(index) / 4,
                    "stop": problem == "c" && index == 0 ? "length" : "stop", "policy_version": 12,
                ]
            }
            let json = try Evaluated(Self.call, in: try folder(samples.joined())).json
            json.expect(["samples_per_problem": 3, "policy_version": 12])
            json.expect(
                [
                    "accuracy": (2 / 3.0 + 1 / 3.0) / 3, "pass_at/3": 2 / 3.0, "pass_at/4": .nan, "mean_length": 2,
                    "entropy_per_token": 0.25, "unfinished": 1 / 9.0, "verdicts/unfinished": 1 / 9.0, "verdicts/wrong": 3 / 9.0,
                    "verdicts/unread": 2 / 9.0, "verdicts/correct": 3 / 9.0,
                ], below: "temperatures/0.5")
            json.expect(["accuracy": 2 / 3.0, "mean_length": 4, "entropy_per_token": 0.75, "unfinished": 0], below: "greedy")
            #expect(json.below("temperatures/0.0").leaves.isEmpty && json.below("temperatures/unknown").leaves.isEmpty)
        }

        @Test("the order of the lines does not matter where samples are numbered")
        func order() throws {
            let lines = try Self.samples.lines { _, index in ["sample_index": index] }
            let expected = try Evaluated(Self.call, in: try folder(lines.joined()))
            // The numbers are the order of the lines: they change nothing.
            #expect(try Evaluated(Self.call, in: try folder()).output == expected.output)
            // 5 and 12 have no common divisor, so all lines are there, each between those of other problems.
            for other in [lines.reversed(), lines.indices.map { lines[5 * $0 % 12] }] {
                #expect(try Evaluated(Self.call, in: try folder(other.joined())).output == expected.output, "\(other)")
            }
            // Without numbers the order of the lines is that of the samples, and maj@1 is another.
            let reversed = try folder(Self.samples.lines().reversed().joined())
            try Evaluated(Self.call, in: reversed).json.expect(["maj_at/1": 2 / 3.0, "accuracy": 1.25 / 3], below: "temperatures/unknown")
        }

        @Test("problems are named by text, by number, or by their places where the file has names of its own, which is said")
        func names() throws {
            let expected = try Evaluated(Self.call, in: try folder())
            #expect(expected.errors.isEmpty, "\(expected.errors)")
            let places = ["a": 0, "b": 1, "c": 2]
            let withPlaces = try Self.samples.lines { name, _ in ["problem_id": places[name] ?? -1] }.joined()
            let byPlace = try Evaluated(Self.call, in: try folder(withPlaces))
            #expect(byPlace.output == expected.output)
            #expect(byPlace.errors.contains("by their places from 0, though problems.jsonl has names"), "\(byPlace.errors)")

            let numbered = places.reduce(Self.problems) {
                $0.replacingOccurrences(of: "\"id\": \"\($1.key)\"", with: "\"id\": \(10 + $1.value)")
            }
            let asNumbers = try Self.samples.lines { name, _ in ["problem_id": 10 + (places[name] ?? -1)] }.joined()
            let asTexts = try Self.samples.lines { name, _ in ["problem_id": "\(10 + (places[name] ?? -1))"] }.joined()
            let outputs = try [asNumbers, asTexts].map { samples in
                let counted = try Evaluated(Self.call, in: try folder(samples, problems: numbered))
                #expect(counted.errors.isEmpty, "\(counted.errors)")
                let examples = "temperatures/unknown/examples"
                counted.json.without(examples).expectSame(as: expected.json.without(examples))
                return counted.output
            }
            #expect(outputs[0] == outputs[1] && outputs[0].contains(#""problem_id":"10""#))
        }

        @Test("problems without samples are said and count in no figure")
        func missing() throws {
            let counted = try Evaluated(Self.call, in: try folder(Self.samples.lines().prefix(8).joined()))
            counted.json.expect(["problems": 2, "problems_without_samples": 1])
            counted.json.expect(["accuracy": 1.25 / 2, "maj_at/4": 1], below: "temperatures/unknown")
            #expect(counted.errors.contains("no samples of 1 of the 3 problems of problems.jsonl"), "\(counted.errors)")
        }

        @Test("--samples-per-problem takes the first ones of each, which makes unequal numbers comparable")
        func firstOnes() throws {
            let folder = try folder(Self.samples.lines().dropLast().joined())
            let json = try Evaluated(Self.call + ["--samples-per-problem", "2"], in: folder).json
            // Of the first two of each, 2, 1 and 0 are right.
            json.expect(["samples_per_problem": 2])
            json.expect(
                ["accuracy": 0.5, "pass_at/2": 2 / 3.0, "pass_at/3": .nan, "distinct_correct/exact": 1], below: "temperatures/unknown")
        }
    }
}
