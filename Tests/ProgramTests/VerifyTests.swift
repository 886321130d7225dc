import Foundation
import Testing

extension ProgramTests {
    @Suite("verify")
    struct VerifyTests {
        /// A run that is certified in a few seconds.
        private static let small = [
            "verify", "--quiet", "--task", "sixteen", "--set", "train.steps=250", "--set", "train.learning_rate=5e-3",
            "--set", "train.prompts_per_step=2",
        ]

        private static func certificate(_ text: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        private static func worst(_ figure: String, of certificate: [String: Any]) -> Double? {
            ((certificate["figures"] as? [String: Any])?[figure] as? [String: Any])?["worst"] as? Double
        }

        @Test("certifies a sampler that is proportional, with the same bytes on any ranks, and measures the run again without training")
        func certified() throws {
            let folder = try TemporaryFolder()
            let four = try runProgram(
                Self.small + ["--json", "--threads", "1", "--output", "\(folder.path)/four"], under: ["mpirun", "-n", "4"])
            #expect(four.status == 0, "\(four.errors)")
            let one = try runProgram(Self.small + ["--json", "--output", "\(folder.path)/one"])
            #expect(one.status == 0 && one.output == four.output, "\(one.errors)")
            let (a, b) = (RunFiles(path: "\(folder.path)/four"), RunFiles(path: "\(folder.path)/one"))
            #expect(a.adapter == b.adapter && a.adapter != nil)
            for name in ["certificate.json", "certificate.svg"] { #expect(a.text(name) == b.text(name) && a.text(name) != nil) }
            let certificate = try Self.certificate(four.output)
            #expect(certificate["verdict"] as? Bool == true && certificate["ends"] as? Int == 16 && certificate["task"] as? String == "sixteen")
            #expect(try #require(Self.worst("total_variation", of: certificate)) <= 0.02)
            #expect(Self.worst("learned_log_partition_gap", of: certificate) != nil)

            // The same figures from the files of the run; the picture goes beside the certificate.
            let again = try runProgram(["verify", "--policy", a.path, "--json", "--output", "\(folder.path)/again"])
            #expect(again.status == 0 && again.output == four.output, "\(again.errors)")
            #expect(RunFiles(path: "\(folder.path)/again").text("certificate.svg") == a.text("certificate.svg"))
            let strict = try runProgram(
                ["verify", "--policy", a.path, "--bound", "1e-7", "--output", "\(folder.path)/strict"], under: ["mpirun", "-n", "2"])
            #expect(strict.status == 1 && strict.output.contains("NOT PROPORTIONAL"))
            #expect(strict.ownErrors.count == 1 && strict.ownErrors[0].hasPrefix("gfn-dist: not proportional: total variation is "))
            #expect(RunFiles(path: "\(folder.path)/strict").exists("certificate.json"))
        }

        @Test("measures again what rollouts that run free have trained")
        func free() throws {
            let folder = try TemporaryFolder()
            let run = "\(folder.path)/run"
            let settings = ["train.steps=10", "lag=any", "rollout.samples_per_prompt=4"].flatMap { ["--set", $0] }
            let trained = try runProgram(
                ["verify", "--quiet", "--json", "--threads", "1", "--task", "sixteen", "--output", run] + settings, under: ["mpirun", "-n", "3"])
            #expect(trained.status == 1, "\(trained.errors)")
            let again = try runProgram(["verify", "--policy", run, "--json", "--output", "\(folder.path)/again"])
            #expect(again.status == 1 && again.output == trained.output && !again.output.isEmpty, "\(again.errors)")
            let certificate = try Self.certificate(again.output)
            #expect(certificate["lag"] is NSNull && certificate["steps"] as? Int == 10)
        }

        @Test("trains all weights of a random model as well, and can be measured afterwards")
        func random() throws {
            let folder = try TemporaryFolder()
            let run = "\(folder.path)/run"
            let settings = ["train.steps=3", "rollout.samples_per_prompt=4"].flatMap { ["--set", $0] }
            let trained = try runProgram(
                ["verify", "--quiet", "--json", "--task", "prefixes", "--start", "random", "--objective", "vargrad", "--output", run] + settings)
            #expect(trained.status == 1)
            let again = try runProgram(["verify", "--policy", run, "--json", "--output", "\(folder.path)/again"])
            #expect(again.status == 1 && again.output == trained.output && !again.output.isEmpty)
            let certificate = try Self.certificate(again.output)
            #expect(certificate["start"] as? String == "random, full parameters" && certificate["verdict"] as? Bool == false)
            #expect(Self.worst("learned_log_partition_gap", of: certificate) == nil)
            // Three steps from random weights are far from the target, and the sum of all ends is 1 all the same.
            #expect(try #require(Self.worst("total_variation", of: certificate)) > 0.1)
            #expect(try #require(Self.worst("outside_mass", of: certificate)) < 1e-5)
        }

        @Test("trains a reward model first where the task asks for one, and the target is made of its scores")
        func learnedReward() throws {
            let folder = try TemporaryFolder()
            let run = RunFiles(path: "\(folder.path)/run")
            let outcome = try runProgram(
                ["verify", "--json", "--quiet", "--task", "learned", "--output", run.path, "--set", "train.steps=2"]
                    + ["--set", "rollout.samples_per_prompt=4"])
            #expect(outcome.status == 1)
            #expect(run.exists("steps.jsonl") && run.exists("reward/adapter/reward_head.safetensors"))
            #expect(run.text("config.yaml")?.contains("reward_model: \"\(run.path)/reward/adapter\"") == true)
            let problems = try #require(try Self.certificate(outcome.output)["problems"] as? [[String: Any]])
            // All zeros or minus eights, as the file has them, would make another log Z.
            let listed = try #require(problems.first?["log_partition"] as? Double)
            let again = try runProgram(["verify", "--policy", run.path, "--json", "--output", "\(folder.path)/again"])
            #expect(again.output == outcome.output && listed.isFinite)
            let without = try runProgram(
                ["verify", "--policy", run.path, "--json", "--output", "\(folder.path)/without", "--set", "reward_model="])
            let other = try #require(try Self.certificate(without.output)["problems"] as? [[String: Any]])
            #expect(abs(listed - (other.first?["log_partition"] as? Double ?? listed)) > 0.01)
        }

        @Test("measures a run on PathSum on the problems that are named, against its correct solutions")
        func pathSum() throws {
            let folder = try TemporaryFolder()
            let run = RunFiles(path: "\(folder.path)/run")
            let trained = try runProgram(["train", "--quiet", "--output", run.path] + Settings.standard.with(["train.steps": "2"]).arguments)
            #expect(trained.status == 0)
            let named = ["--set", "data.evaluate=pathsum-held-out,pathsum-seen"]
            let outcome = try runProgram(["verify", "--policy", run.path, "--json"] + named)
            #expect(outcome.status == 1 && outcome.ownErrors.count == 2)
            let certificates = try outcome.output.split(separator: "\n").map { try Self.certificate(String($0)) }
            #expect(certificates.map { $0["task"] as? String } == ["pathsum-held-out", "pathsum-seen"])
            #expect(certificates.allSatisfy { ($0["problems"] as? [Any])?.count == 4 })
            #expect(run.exists("certificate-pathsum-held-out.svg") && run.exists("certificate-pathsum-seen.json"))
            // The mean is what the run itself said of these problems.
            let each = ((certificates[0]["problems"] as? [[String: Any]]) ?? []).compactMap { $0["total_variation"] as? Double }
            let evaluation = try #require(try JSONSerialization.jsonObject(with: Data((run.text("evaluation.json") ?? "").utf8)) as? [String: Any])
            let exact = try #require((evaluation["exact"] as? [String: Any])?["total_variation"] as? Double)
            #expect(each.count == 4 && abs(each.reduce(0, +) / 4 - exact) < 1e-9)
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let status: Int32
            let sentence: String
        }

        static let mistakes = [
            Mistake(
                testDescription: "a task that there is not", arguments: ["--task", "nubmers"], status: 66,
                sentence: "there is no task 'nubmers'; those that ship are bits, learned, numbers, pathsum-tool, prefixes, reference, rootless, "
                    + "sixteen, and another is named by its file, which ends in .yaml"),
            Mistake(
                testDescription: "a file that there is not", arguments: ["--task", "none.yaml"], status: 66,
                sentence: "the task file none.yaml does not exist"),
            Mistake(
                testDescription: "two equal ends", arguments: ["--task", "twice.yaml"], status: 65,
                sentence: "twice.yaml:4: the key \" 1\" is there twice, expected each key once"),
            Mistake(
                testDescription: "a reward that is no number", arguments: ["--task", "words.yaml"], status: 65,
                sentence: "words.yaml:4: the log reward of an end is \"high\", expected a finite number"),
            Mistake(
                testDescription: "a setting that there is not", arguments: ["--task", "setting.yaml"], status: 78,
                sentence: "setting.yaml:2: there is no setting 'train.stepps'; did you mean 'train.steps'?"),
            Mistake(
                testDescription: "a method with another aim", arguments: ["--objective", "grpo"], status: 78,
                sentence: "objective is grpo, which does not aim at the reward's distribution; expected one that balances log R, such as subtb, "
                    + "subtb-pooled, vargrad or tb"),
            Mistake(
                testDescription: "states that the list does not name", arguments: ["--set", "states=tokens"], status: 78,
                sentence: "states is tokens, but verify:numbers lists which states may end; set states to steps or end"),
            Mistake(
                testDescription: "data to evaluate on", arguments: ["--set", "data.evaluate=pathsum"], status: 78,
                sentence: "data.evaluate is pathsum, but verify:numbers is judged on all of its ends, by gfn-dist verify; leave it out"),
            Mistake(
                testDescription: "a folder that holds no run", arguments: ["--policy", "."], status: 66,
                sentence: "--policy: . is not a run folder (there is no config.yaml in it)"),
            Mistake(
                testDescription: "a run that has not ended", arguments: ["--policy", "begun"], status: 66,
                sentence: "the run in begun has no begun/adapter, so it has not ended: go on with gfn-dist train --resume --output begun"),
        ]

        @Test("mistakes are one sentence that says what to do, and leave nothing", arguments: mistakes)
        func mistake(mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            _ = try folder.write("about: a\nproblems:\n  - prompt: \" 1:\"\n    ends: {\" 1\": 0, \" 1\": 1}\n", to: "twice.yaml")
            _ = try folder.write("about: a\nproblems:\n  - prompt: \" 1:\"\n    ends: {\" 1\": high, \" 2\": 1}\n", to: "words.yaml")
            _ = try folder.write(
                "about: a\nsettings: {train.stepps: 1}\nproblems: [{prompt: \" 1:\", ends: {\" 1\": 0, \" 2\": 1}}]\n", to: "setting.yaml")
            try FileManager.default.createDirectory(atPath: "\(folder.path)/begun", withIntermediateDirectories: true)
            _ = try folder.write("objective: subtb\n", to: "begun/config.yaml")
            let outcome = try runProgram(["verify"] + mistake.arguments, in: folder.path)
            #expect(outcome.status == mistake.status)
            #expect(outcome.errors == "gfn-dist: \(mistake.sentence)\n")
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/runs"))
        }

        @Test("options that do not go together are a mistake of usage", arguments: [
            ["--policy", "run", "--task", "sixteen"], ["--policy", "run", "--objective", "tb"], ["--start", "random", "--model", "m"],
            ["--bound", "0"], ["--task", ""],
        ])
        func usage(arguments: [String]) throws {
            #expect(try runProgram(["verify"] + arguments).status == 64)
        }
    }
}
