import Foundation
import Testing

extension ProgramTests {
    @Suite("evaluate divides, compares and keeps apart")
    struct EvaluateSets {
        private static let rule = "temperatures/unknown"

        @Test("each part of --by has the figures of an evaluation of its problems alone")
        func parts() throws {
            let folder = try TemporaryFolder()
            let withoutLevel = try line(["id": "d", "question": "1?", "answer": "1"])
            let problems = Evaluate.problems.split(separator: "\n").map { $0 + "\n" } + [withoutLevel]
            let samples = try Evaluate.samples.lines() + (0..<4).map { _ in try line(["problem_id": "d", "text": "1"]) }
            func evaluate(_ places: [Int], _ options: [String] = []) throws -> EvaluationJSON {
                _ = try folder.write(places.map { problems[$0] }.joined(), to: "problems.jsonl")
                _ = try folder.write(places.flatMap { samples[4 * $0..<4 * $0 + 4] }.joined(), to: "samples.jsonl")
                return try Evaluated(["problems.jsonl", "--samples", "samples.jsonl"] + options, in: folder).json
            }
            let all = try evaluate([0, 1, 2, 3], ["--by", "level", "--by", "id"])
            all.without("by").expectSame(as: try evaluate([0, 1, 2, 3]))
            // The problem without a level is in no part.
            #expect(Set(all.below("by/level").leaves.keys.map { $0.prefix { $0 != "/" } }) == ["easy", "hard"])
            // Weights of the bootstrap go by a problem's place in its file, and in one of easy problems c has another: only intervals of
            // more than one problem may differ.
            let apart = ("dataset", "samples_per_problem")
            let easy = try evaluate([0, 2]).without(apart.0, apart.1)
            all.below("by/level/easy").withoutIntervals.expectSame(as: easy.withoutIntervals)
            easy.expect(["problems": 2, "\(Self.rule)/accuracy": 0.75 / 2])
            all.below("by/level/hard").expectSame(as: try evaluate([1]).without(apart.0, apart.1))
            all.below("by/id/a").expectSame(as: try evaluate([0]).without(apart.0, apart.1))
            all.below("by/id").expect(["d/\(Self.rule)/accuracy": 1, "c/\(Self.rule)/accuracy": 0])
        }

        private static let answers = [("a", "5"), ("b", "6"), ("c", "7"), ("d", "8")]
        private static let base = HandSamples(texts: [
            ("a", ["#### 5", "#### 5", "#### 5"]), ("b", ["2 * 3 = 6\n#### 6", "#### 9", "#### 9"]),
            ("c", ["9 - 2 = 7\n#### 7", "#### 7", "#### 2"]),
        ])
        private static let tuned = HandSamples(texts: [
            ("b", ["#### 6", "2*3 = 6\n#### 6", "#### 9"]), ("c", ["9 - 2 = 7\n#### 7", "9 - 2 = 7\n#### 7", "#### 1"]),
            ("d", ["#### 8", "#### 1", "#### 2"]),
        ])
        private static let sets = ["problems.jsonl", "--samples", "base=base.jsonl", "--samples", "tuned=tuned.jsonl"]

        /// The problems from one to another, and both sets' samples of them.
        private func folder(_ first: String = "a", _ last: String = "d") throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            let problems = Self.answers.filter { first <= $0.0 && $0.0 <= last }
            _ = try folder.write(
                problems.map { try line(["id": $0, "question": "?", "answer": $1]) }.joined(), to: "problems.jsonl")
            for (name, set) in [("base", Self.base), ("tuned", Self.tuned)] {
                let part = HandSamples(texts: set.texts.filter { sample in problems.contains { $0.0 == sample.problem } })
                _ = try folder.write(part.lines().joined(), to: "\(name).jsonl")
            }
            return folder
        }

        @Test("differences are of the problems that both sets have, and of those where both have the figure")
        func against() throws {
            let counted = try Evaluated(Self.sets + ["--against", "base"], in: try folder())
            let json = counted.json
            let names = ["0/name", "1/name", "1/against/name"].map { json.leaves[$0] }
            #expect(names == ["'base'", "'tuned'", "'base'"])
            #expect(json.below("0/against").leaves.isEmpty)
            json.expect(["0/problems": 3, "1/problems": 3, "1/against/problems": 2])
            // Of b and c 2 and 2 of 3 are right, of the base's 1 and 2; pass@2 of 1 in 3 is 2/3. The majority of b is 6, and 9.
            // Unigrams of right ones: b 6 of 15, 6 of 10; c 6 of 20, 6 of 15: −0.2 and −0.1.
            // Only c has two right ones in both. Its self-BLEU is 1; in the base, of the short one against the long 1/e for its length,
            // of the long one 5/10, 4/9, 3/8 and 2/7 of the n-grams: (1/42)^¼.
            json.expect(
                [
                    "accuracy": 1 / 6.0, "pass_at/1": 1 / 6.0, "pass_at/2": 1 / 6.0, "pass_at/3": 0, "maj_at/1": 0, "maj_at/3": 0.5,
                    "distinct_correct/exact": 0, "distinct_n/1": -0.15, "distinct_n/1_problems": 2,
                    "self_bleu": 1 - (exp(-1) + pow(1 / 42.0, 0.25)) / 2, "self_bleu_problems": 1,
                ], below: "1/against/\(Self.rule)")
            // The sets themselves are what they are without a comparison.
            let alone = try Evaluated(["problems.jsonl", "--samples", "tuned.jsonl"], in: try folder()).json
            json.below("1").without("against", "name").expectSame(as: alone)
        }

        @Test("differences equal those of the two evaluations on the problems that both have")
        func shared() throws {
            let both = try Evaluated(Self.sets, in: try folder("b", "c")).json
            let differences = try Evaluated(Self.sets + ["--against", "base"], in: try folder()).json.below("1/against/\(Self.rule)")
            let values = differences.withoutIntervals.without("self_bleu", "distinct_n/")
            #expect(values.leaves.count == 3 + 3 + 5 + 2, "\(values.leaves.keys.sorted())")
            values.expect(
                Dictionary(
                    uniqueKeysWithValues: values.leaves.keys.map { name in
                        (name, both["1/\(Self.rule)/\(name)"] - both["0/\(Self.rule)/\(name)"])
                    }))
            // The other way round all signs are turned.
            let turned = try Evaluated(Self.sets + ["--against", "tuned"], in: try folder()).json.below("0/against/\(Self.rule)")
            turned.withoutIntervals.without("self_bleu_problems", "distinct_n/")
                .expect(values.leaves.keys.reduce(into: ["self_bleu": -differences["self_bleu"]]) { $0[$1] = -values[$1] })
        }

        // MARK: Runs of one method

        /// So many of the three samples of b and of c are right, each another text.
        private static func run(_ right: [Int]) -> HandSamples {
            HandSamples(texts: zip(["b", "c"], right).map { problem, count in
                let answer = problem == "b" ? "6" : "7"
                return (problem, (0..<3).map { $0 < count ? "way \($0)\n#### \(answer)" : "#### 0" })
            })
        }

        private func runs(_ runs: [String: HandSamples]) throws -> TemporaryFolder {
            let folder = try folder("b", "c")
            for (name, samples) in runs { _ = try folder.write(samples.lines().joined(), to: "\(name).jsonl") }
            return folder
        }

        @Test("files of one name are runs of one method: means over problems and runs, differences of each run from each")
        func pooled() throws {
            let folder = try runs(["a1": Self.run([1, 2]), "a2": Self.run([3, 3]), "b1": Self.run([0, 1]), "b2": Self.run([1, 1])])
            let files = ["a1", "a2", "b1", "b2"].flatMap { ["--samples", "\($0.prefix(1))=\($0).jsonl"] }
            let counted = try Evaluated(["problems.jsonl"] + files + ["--against", "b", "--by", "id"], in: folder)
            let json = counted.json
            #expect(["0/name", "1/name", "1/against/name", "0/against/name"].map { json.leaves[$0] } == ["'a'", "'b'", nil, "'b'"])
            json.expect([
                "0/runs": 2, "1/runs": 2, "0/problems": 2, "0/samples_per_problem": 3, "0/\(Self.rule)/accuracy": 9.0 / 12,
                "1/\(Self.rule)/accuracy": 3.0 / 12, "0/\(Self.rule)/distinct_correct/exact": 9.0 / 4,
                "0/against/\(Self.rule)/accuracy": 0.5, "0/against/problems": 2, "0/by/id/b/\(Self.rule)/accuracy": 4.0 / 6,
                "0/\(Self.rule)/verdicts/correct": 0.75,
            ])
            // Two draws of two runs: either alone in a quarter of the resamples.
            json.expect(["0/by/id/b/\(Self.rule)/accuracy": 4.0 / 6, "0/by/id/c/\(Self.rule)/accuracy": 5.0 / 6])
            // A run alone has the figures of one.
            let alone = try Evaluated(["problems.jsonl", "--samples", "a=a1.jsonl", "--samples", "b=b1.jsonl"], in: folder).json
            #expect(alone.leaves["0/runs"] == nil)
            let unnamed = try Evaluated(["problems.jsonl", "--samples", "a=a1.jsonl", "--samples", "a=a2.jsonl"], in: folder).json
            unnamed.without("name").expectSame(as: json.below("0").without("by", "against", "name"))
        }

        @Test("distinct solutions at equal accuracy, and how many times as many as another set has")
        func equalAccuracy() throws {
            let folder = try folder("b", "c")
            func write(_ name: String, _ right: [(temperature: Double, counts: [Int])]) throws {
                let lines = try right.flatMap { temperature, counts in try Self.run(counts).lines { _, _ in ["temperature": temperature] } }
                _ = try folder.write(lines.joined(), to: "\(name).jsonl")
            }
            // Accuracy 1 with three distinct solutions each; 5/6 with 2.5; 1/2 with 1.5. The other one has one right solution of three.
            try write("ours", [(0.5, [3, 3]), (1, [3, 2]), (1.5, [2, 1])])
            try write("theirs", [(0.5, [2, 1]), (1, [1, 1])])
            let json = try Evaluated(
                ["problems.jsonl", "--samples", "ours.jsonl", "--samples", "theirs.jsonl", "--against", "theirs", "--at-accuracy", "0.4,0.6"]
                    + ["--by", "id"], in: folder).json
            json.expect([
                "0/at_accuracy/0.4/distinct_correct/exact": 3, "0/at_accuracy/0.6/distinct_correct/exact": 3,
                "1/at_accuracy/0.4/distinct_correct/exact": 1.5, "0/against/ratio_at_accuracy/0.4/distinct_correct/exact": 2,
                // Of b alone, the other has two of three right, and of c one of three.
                "1/by/id/b/at_accuracy/0.6/distinct_correct/exact": 2, "0/by/id/b/ratio_at_accuracy/0.6/distinct_correct/exact": 1.5,
                "0/by/id/c/at_accuracy/0.6/distinct_correct/exact": 3,
            ])
            #expect(json.leaves.keys.allSatisfy { !$0.hasPrefix("0/by/id/c/ratio_at_accuracy") && !$0.hasPrefix("1/by/id/c/at_accuracy") })
            #expect(json.leaves.keys.allSatisfy { !$0.hasPrefix("1/at_accuracy/0.6/") && !$0.hasPrefix("0/against/ratio_at_accuracy/0.6/") })
        }

        @Test("runs that are not alike are refused with what differs", arguments: [
            (Self.run([1]), "different problems (2 and 1)"),
            (HandSamples(texts: [("b", ["#### 6"]), ("c", ["#### 7"])]), "3 and 1 samples of a problem"),
        ])
        func unlike(_ other: HandSamples, _ message: String) throws {
            let folder = try runs(["a1": Self.run([1, 2]), "a2": other])
            let outcome = try runProgram(
                ["evaluate", "problems.jsonl", "--samples", "a=a1.jsonl", "--samples", "a=a2.jsonl"], in: folder.path)
            #expect(outcome.status == 65 && outcome.ownErrors.count == 1)
            #expect(outcome.errors.contains("a1.jsonl and a2.jsonl are both called a") && outcome.errors.contains(message), "\(outcome.errors)")
        }

        @Test("a copy differs from its original by nothing, with an interval of nothing")
        func copy() throws {
            let copies = ["problems.jsonl", "--samples", "base.jsonl", "--samples", "copy=base.jsonl", "--against", "base"]
            let differences = try Evaluated(copies, in: try folder()).json.below("1/against/\(Self.rule)")
            for (name, value) in differences.leaves where !name.hasSuffix("_problems") { #expect(value == "0.0", "\(name)") }
            #expect(differences.leaves.keys.contains("accuracy_interval/0") && differences.leaves.keys.contains("self_bleu_interval/1"))
        }

        // MARK: Several files of problems

        private typealias Line = (dataset: String?, text: String)
        private static let three: [Line] = [
            ("a.jsonl", "#### 5"), ("a.jsonl", "#### 1"), ("b.jsonl", "#### 6"), ("b.jsonl", "#### 6"), ("third.jsonl", "#### 6"),
            ("third.jsonl", "#### 6"), ("third.jsonl", "#### 6"),
        ]

        private func files(_ samples: [Line]) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            for (name, answer) in [("a", "5"), ("b", "6")] {
                _ = try folder.write(line(["question": "?", "answer": answer]), to: "\(name).jsonl")
            }
            let lines = try samples.map { sample in
                try line(["problem_id": 0, "text": sample.text].merging(sample.dataset.map { ["dataset": $0] } ?? [:]) { $1 })
            }
            _ = try folder.write(lines.joined(), to: "samples.jsonl")
            return folder
        }

        @Test("samples count for the file that they name; those of another file are left out, which is said once with their number")
        func datasets() throws {
            let folder = try files(Self.three)
            let counted = try Evaluated(["a.jsonl", "b.jsonl", "--samples", "samples.jsonl"], in: folder)
            #expect(counted.output.hasPrefix("["))
            #expect(counted.json.leaves["0/dataset"] == "'a.jsonl'" && counted.json.leaves["1/dataset"] == "'b.jsonl'")
            counted.json.expect(["0/\(Self.rule)/accuracy": 0.5, "1/\(Self.rule)/accuracy": 1, "2/problems": .nan])
            let note = "evaluate: samples.jsonl has 3 samples of third.jsonl, which is not evaluated: left out\n"
            #expect(counted.errors == note)
            // One of the files alone, in which the samples of both others are left out.
            let alone = try Evaluated(["b.jsonl", "--samples", "samples.jsonl"], in: folder)
            alone.json.expectSame(as: counted.json.below("1"))
            #expect(alone.errors == note.replacingOccurrences(of: "3 samples of third", with: "2 samples of a") + note, "\(alone.errors)")
            // Samples of one data set only may call it what they like.
            let renamed = try Evaluated(["b.jsonl", "--samples", "samples.jsonl"], in: try files(Array(Self.three.suffix(3))))
            renamed.json.expect(["samples_per_problem": 3, "\(Self.rule)/accuracy": 1])
            #expect(renamed.errors.isEmpty, "\(renamed.errors)")
        }

        @Test("with several files a sample must say of which it is, and the files have different names")
        func ambiguous() throws {
            let folder = try files(Self.three.prefix(3) + [(nil, "#### 6")])
            let unnamed = try runProgram(["evaluate", "a.jsonl", "b.jsonl", "--samples", "samples.jsonl"], in: folder.path)
            #expect(unnamed.status == 65 && unnamed.ownErrors.count == 1 && unnamed.output.isEmpty)
            #expect(unnamed.errors.contains("samples.jsonl:4 does not say of which data set it is"), "\(unnamed.errors)")
            try FileManager.default.createDirectory(atPath: "\(folder.path)/other", withIntermediateDirectories: true)
            _ = try folder.write("{\"question\":\"?\",\"answer\":\"6\"}\n", to: "other/a.jsonl")
            // Before anything is read of the model, or sampled.
            for source in [["--samples", "samples.jsonl"], ["--model", "nowhere"]] {
                let twice = try runProgram(["evaluate", "a.jsonl", "other/a.jsonl"] + source, in: folder.path)
                #expect(twice.status == 78 && twice.ownErrors.count == 1 && twice.output.isEmpty)
                #expect(twice.errors.contains("two data sets are called a.jsonl"), "\(twice.errors)")
            }
        }
    }
}
