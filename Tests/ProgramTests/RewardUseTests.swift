import Foundation
import Tensor
import Testing

extension ProgramTests {
    @Suite("a reward model in train, sample, score and evaluate")
    struct RewardUse {
        private struct Sample: Decodable {
            let prompt_tokens, tokens: [Int]
            let step_rewards: [Float]
            let process_reward: Double?
            let process: Double?
        }

        private struct Score: Decodable {
            let completion_tokens: [Int]
            let step_rewards: [Float]
            let reward: Double
        }

        private static func lines<Line: Decodable>(_ text: String, of type: Line.Type = Line.self) throws -> [Line] {
            try text.split(separator: "\n").map { try JSONDecoder().decode(type, from: Data($0.utf8)) }
        }

        private static func output(_ arguments: [String], under launcher: [String] = [], in folder: TemporaryFolder) throws -> String {
            let outcome = try runProgram(arguments + ["--quiet"], under: launcher, in: folder.path)
            guard outcome.status == 0 else { throw Program.Failure(text: "\(arguments) ended with \(outcome.status): \(outcome.errors)") }
            return outcome.output
        }

        private static let layouts: [(launcher: [String], options: [String])] = [
            ([], ["--single", "--ranks", "1", "--threads", "1"]), ([], ["--single", "--ranks", "3", "--threads", "1"]),
            (["mpirun", "-n", "2"], ["--threads", "1"]),
        ]

        /// Eight problems, each solved three times.
        private static let call = ["pathsum", "--limit", "8", "--samples-per-problem", "3", "--temperature", "1"]

        @Test("score gives sampled tokens the step scores of sample, bit for bit, whatever ranks, batches and neighbours")
        func score() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let flag = ["--reward-model", fixture.run.path]
            let sampled = try Self.output(["sample"] + Self.call + flag, in: folder)
            for (launcher, options) in Self.layouts.dropFirst() {
                #expect(try Self.output(["sample"] + Self.call + flag + options, under: launcher, in: folder) == sampled)
            }
            #expect(try Self.output(["sample"] + Self.call + set("reward_model=\(fixture.run.path)/adapter"), in: folder) == sampled)
            let samples: [Sample] = try Self.lines(sampled)
            #expect(samples.count == 24 && Set(samples.flatMap(\.step_rewards)).count > 24, "steps have scores of their own")

            let input = try folder.write(sampled, to: "samples.jsonl")
            let scored = try Self.output(["score", input] + flag, in: folder)
            let scores: [Score] = try Self.lines(scored)
            #expect(scores.map(\.completion_tokens) == samples.map(\.tokens))
            #expect(scores.map(\.step_rewards) == samples.map(\.step_rewards))
            #expect(scores.map(\.reward) == samples.map(\.process_reward))
            for score in scores {
                // The default aggregate.
                let product = score.step_rewards.reduce(1.0) { $0 * Double($1) }
                #expect(abs(score.reward - product) < 1e-12)
            }
            for (launcher, options) in Self.layouts.dropFirst() {
                #expect(try Self.output(["score", input] + flag + options, under: launcher, in: folder) == scored, "\(options)")
            }
            // Alone, and in another company.
            #expect(try Self.output(["score", input, "--batch-tokens", "1"] + flag, in: folder) == scored)
            let backwards = try folder.write(sampled.split(separator: "\n").reversed().joined(separator: "\n"), to: "backwards.jsonl")
            let turned: [Score] = try Self.lines(try Self.output(["score", backwards] + flag, in: folder))
            #expect(turned.reversed().map(\.step_rewards) == scores.map(\.step_rewards))
        }

        @Test("train learns from the reward model's scores, whatever the ranks, and samples show them")
        func learns() throws {
            let fixture = try RewardFixture.made()
            let settings = Settings.standard.with([
                "train.steps": "3", "samples.every": "1", "evaluate.problems": "2", "reward.aggregate": "min",
            ])
            let flag = ["--reward-model", fixture.run.path]
            let one = try train(settings, flag, on: .single(1))
            let three = try train(settings, flag, on: .single(3))
            #expect(one.adapter == three.adapter && one.digest == three.digest)
            #expect(one.files.text("samples/step-3.jsonl") == three.files.text("samples/step-3.jsonl"))
            #expect(one.digest != (try Reference.run(settings).digest), "its scores are not those of the task")
            let samples: [Sample] = try Self.lines(try #require(one.files.text("samples/step-1.jsonl")))
            #expect(samples.count == 16)
            for sample in samples {
                let least = try #require(sample.step_rewards.min())
                #expect(try #require(sample.process) == Double(Float(Elementary.log(Double(least)))))
            }
        }

        // MARK: evaluate

        /// `process_reward` and the scores of steps left out, with other changes.
        private static func stripped(_ samples: String, changes: (inout [String: Any], Int) -> Void = { _, _ in }) throws -> String {
            try samples.split(separator: "\n").enumerated().map { index, text in
                var members = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
                for name in ["process_reward", "step_rewards"] { members[name] = nil }
                changes(&members, index)
                return try line(members)
            }.joined()
        }

        @Test("evaluate asks a reward model about given samples: the figures of samples that carry its scores, on any ranks")
        func given() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let flag = ["--reward-model", fixture.run.path]
            let sampled = try Self.output(["sample"] + Self.call + flag, in: folder)
            _ = try folder.write(sampled, to: "carried.jsonl")
            _ = try folder.write(try Self.stripped(sampled), to: "stripped.jsonl")
            _ = try folder.write(try Self.stripped(sampled) { members, _ in members["tokens"] = nil }, to: "texts.jsonl")
            // What these say is not what the model says.
            let own = try Self.stripped(sampled) { members, index in members["process_reward"] = Double(index) / 100 }
            _ = try folder.write(own, to: "own.jsonl")
            func evaluated(_ name: String, _ arguments: [String] = [], under launcher: [String] = []) throws -> Evaluated {
                try Evaluated(["pathsum", "--limit", "8", "--samples", name] + arguments, under: launcher, in: folder)
            }
            let expected = try evaluated("carried.jsonl")
            let figures = expected.json.leaves.keys.filter { $0.contains("best_at/") || $0.contains("weighted_maj_at/") }
            #expect(figures.count >= 6, "\(expected.output)")
            for (launcher, options) in Self.layouts {
                let asked = try evaluated("stripped.jsonl", flag + options, under: launcher)
                #expect(asked.output == expected.output && asked.errors.isEmpty, "\(options): \(asked.errors)")
            }
            let texts = try evaluated("texts.jsonl", flag)
            for figure in figures { #expect(texts.json.leaves[figure] == expected.json.leaves[figure], "\(figure)") }
            let none = try evaluated("stripped.jsonl")
            #expect(!none.json.leaves.keys.contains { $0.contains("best_at/") })

            let kept = try evaluated("own.jsonl"), replaced = try evaluated("own.jsonl", flag)
            #expect(kept.errors.isEmpty && kept.output != expected.output && replaced.output == expected.output)
            #expect(
                replaced.errors == "evaluate: 24 samples of own.jsonl have a process_reward of their own: the reward model was asked "
                    + "instead\n")
        }

        @Test("evaluate samples and counts by a reward model: in JSON, in the table and in files, with the same bytes on any ranks")
        func sampled() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let arguments = ["evaluate"] + Self.call + ["--reward-model", fixture.run.path, "--json"]
            let expected = try Self.output(arguments + ["--output", "one"] + Self.layouts[0].options, in: folder)
            for (index, (launcher, options)) in Self.layouts.enumerated().dropFirst() {
                #expect(try Self.output(arguments + ["--output", "\(index)"] + options, under: launcher, in: folder) == expected)
                for name in ["evaluation.json", "evaluation.txt", "samples/pathsum.jsonl"] {
                    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/one/\(name)"))
                    #expect(bytes == FileManager.default.contents(atPath: "\(folder.path)/\(index)/\(name)"), "\(options): \(name)")
                }
            }
            let json = try EvaluationJSON(expected)
            let figures = json.leaves.keys.filter { $0.hasSuffix("best_at/3") || $0.hasSuffix("weighted_maj_at/3") }
            #expect(figures.count == 2, "\(json.leaves.keys.sorted())")
            let table = try String(contentsOfFile: "\(folder.path)/one/evaluation.txt", encoding: .utf8)
            #expect(table.contains("best@3") && table.contains("weighted maj@3"), "\(table)")
        }

        // MARK: Mistakes

        @Test("evaluate refuses samples that the reward model cannot read", arguments: [
            ("[9, 20, 119]", 65, "tokens holds 119, expected ids from 0 to 118, which are the reward model's"),
            ("\([Int](repeating: 9, count: 61))", 65, "prompt and solution have 4 + 61 tokens, but the reward model's context is 64"),
        ])
        func unreadable(_ tokens: String, _ status: Int32, _ text: String) throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let good = #"{"problem_id":0,"text":"+5 6\n","tokens":[114,9,20,118]}"#
            _ = try folder.write(good + "\n{\"problem_id\":1,\"text\":\"x\",\"tokens\":\(tokens)}\n", to: "samples.jsonl")
            for (launcher, options) in Self.layouts {
                let outcome = try runProgram(
                    ["evaluate", "pathsum", "--samples", "samples.jsonl", "--output", "out", "--reward-model", fixture.run.path] + options,
                    under: launcher, in: folder.path)
                #expect(outcome.status == status && outcome.ownErrors.count == 1, "\(outcome.errors)")
                #expect(outcome.ownErrors.first?.contains("samples.jsonl:2: \(text)") == true, "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/out"))
            }
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            let text: String
        }

        /// REWARD stands for a reward model of the embedded base, POLICY for a policy's adapter on it.
        static let mistakes = [
            Mistake(
                testDescription: "train, no folder", arguments: ["train"] + set("reward_model=nowhere"), status: 66,
                text: "nowhere: reward_head.safetensors is missing; name a folder that gfn-dist reward wrote"),
            Mistake(
                testDescription: "sample, no folder", arguments: ["sample", "pathsum", "--reward-model", "nowhere"], status: 66,
                text: "nowhere: reward_head.safetensors is missing"),
            Mistake(
                testDescription: "evaluate, no folder",
                arguments: ["evaluate", "pathsum", "--samples", "s.jsonl", "--reward-model", "nowhere"], status: 66, text: "nowhere: reward_head.safetensors is missing"),
            Mistake(
                testDescription: "train, a policy's adapter", arguments: ["train"] + set("reward_model=POLICY"), status: 66,
                text: "POLICY: reward_head.safetensors is missing; name a folder that gfn-dist reward wrote"),
            Mistake(
                testDescription: "score, a policy's adapter", arguments: ["score", "s.jsonl", "--reward-model", "POLICY"], status: 66,
                text: "POLICY: reward_head.safetensors is missing"),
            Mistake(
                testDescription: "score, another base",
                arguments: ["score", "s.jsonl", "--reward-model", "REWARD", "--model", ProgramTests.Reward.words], status: 65,
                text: "the reward model REWARD was trained on a base of other sizes than this one"),
            Mistake(
                testDescription: "sample, another form of prompts",
                arguments: ["sample", "p.jsonl", "--reward-model", "REWARD", "--model", "BASE"], status: 65,
                text: "was trained with prompts in the form 'pathsum', and here they have the form 'plain'; set data.chat_template"),
            Mistake(
                testDescription: "sft", arguments: ["train", "--objective", "sft"] + set("reward_model=REWARD"), status: 78,
                text: "reward_model is REWARD, but objective is sft, which learns from solutions and not from rewards; leave it out"),
            Mistake(
                testDescription: "rft", arguments: ["train", "--objective", "rft"] + set("reward_model=REWARD", "train.steps=400"),
                status: 78, text: "reward_model is REWARD, but objective is rft, which learns from solutions and not from rewards; leave it out"),
            Mistake(
                testDescription: "dpo", arguments: ["train", "--objective", "dpo"] + set("reward_model=REWARD", "train.steps=400"),
                status: 78,
                text: "reward_model is REWARD, but objective is dpo, which learns from pairs of responses and not from rewards; "
                    + "leave it out"),
            Mistake(
                testDescription: "no weight", arguments: ["train", "--reward-model", "REWARD"] + set("reward.process=0"), status: 78,
                text: "reward.process is 0, so that nothing would come of reward_model, which is REWARD; leave one of them out"),
            Mistake(
                testDescription: "labels in train", arguments: ["train"] + set("labels.smoothing=0.1"), status: 78,
                text: "--set: labels.smoothing is 0.1, which gfn-dist reward has a use for, and train has none; leave it out"),
            Mistake(
                testDescription: "a head's rate in train", arguments: ["train"] + set("head.learning_rate=1"), status: 78,
                text: "--set: head.learning_rate is 1, which gfn-dist reward has a use for, and train has none; leave it out"),
        ]

        @Test("mistakes with a reward model are said in one sentence, and leave no folder", arguments: mistakes)
        func refused(_ mistake: Mistake) throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            _ = try folder.write(#"{"problem_id":0,"prompt":" 1 6:","text":"+5 6\n"}"# + "\n", to: "s.jsonl")
            _ = try folder.write(line(["question": " 1 6", "answer": "#### 6"]), to: "p.jsonl")
            let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            let base = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
                .appendingPathComponent("Sources/gfn-dist/Resources/pathsum-base").path
            let names = ["REWARD": fixture.run.path, "POLICY": "\(try Reference.run().files.path)/adapter", "BASE": base]
            func named(_ text: String) -> String { names.reduce(text) { $0.replacingOccurrences(of: $1.key, with: $1.value) } }
            let outcome = try runProgram(mistake.arguments.map(named) + ["--output", "out"], in: folder.path)
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1 && outcome.ownErrors[0].contains(named(mistake.text)), "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
        }
    }
}
