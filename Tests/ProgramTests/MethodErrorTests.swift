import Foundation
import Testing

extension ProgramTests {
    @Suite("settings that make no sense with a method are refused, in one sentence that names both")
    struct MethodErrors {
        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let arguments: [String]
            let sentences: [String]

            /// The sentences, without the program's name before them.
            init(_ method: String, _ settings: [String], _ sentences: String...) {
                testDescription = "\(method) with \(settings.joined(separator: ", "))"
                arguments = ["--objective", method] + settings.flatMap { ["--set", $0] }
                self.sentences = sentences
            }
        }

        private static func compares(_ method: String) -> Mistake {
            Mistake(
                method, ["rollout.samples_per_prompt=1"],
                "rollout.samples_per_prompt is 1, but objective is \(method), which compares the responses to a prompt; "
                    + "set rollout.samples_per_prompt to at least 2")
        }

        private static func own(_ setting: String, _ value: String, _ method: String, usual: String) -> Mistake {
            Mistake(
                method, ["\(setting)=\(value)"],
                "\(setting) is \(value), but objective is \(method), which learns from the policy's own samples; leave it at \(usual)")
        }

        private static func samplesNothing(_ setting: String, _ value: String) -> Mistake {
            Mistake(
                "sft", ["\(setting)=\(value)"],
                "--set: \(setting) is \(value), but objective is sft, which samples nothing; leave it out")
        }

        private static func replay(_ setting: String, _ value: String, _ method: String, _ reason: String) -> Mistake {
            Mistake(
                method, ["\(setting)=\(value)"],
                "--set: \(setting) is \(value), but objective is \(method), which learns from \(reason); leave it out")
        }

        private static let equations = "examples, one of each list of equations"
        private static let own = "the policy's own samples, each as new as the lag allows"

        static let mistakes = [
            Mistake(
                "sft", ["value.learning_rate=0.1"],
                "--set: value.learning_rate is 0.1, but objective is sft, which learns no V; leave it out"),
            Mistake(
                "vargrad", ["root.learning_rate=0.1"],
                "--set: root.learning_rate is 0.1, but objective is vargrad, which learns no log Z; leave it out"),
            Mistake(
                "subtb", ["ppo.epochs=2"],
                "--set: ppo.epochs is 2, but objective is subtb, which has no such setting; leave it out, or set objective to ppo"),
            Mistake(
                "ppo", ["grpo.epochs=2"],
                "--set: grpo.epochs is 2, but objective is ppo, which has no such setting; leave it out, "
                    + "or set objective to grpo or dr-grpo"),
        ] + ["dpo", "grpo", "dr-grpo", "rloo", "vargrad", "flowrl"].map(compares) + [
            own("rollout.temperature", "1.2", "grpo", usual: "1"), own("rollout.temperature_high", "2", "ppo", usual: "none"),
            samplesNothing("rollout.samples_per_prompt", "4"), samplesNothing("lag", "2"),
            replay("replay.share", "0.25", "ppo", own), replay("replay.share", "0.25", "dpo", "pairs of right and wrong responses"),
            replay("replay.seed", "demonstrations", "ppo", own), replay("replay.keep", "all", "rft", equations),
            replay("replay.distinct", "rouge-l", "rft", equations),
            Mistake(
                "rft", ["lag=2"], "--set: lag is 2, but objective is rft, which samples with the first weights only; leave it out"),
            Mistake(
                "subtb", ["rollout.tempered_share=0.5"],
                "--set: rollout.tempered_share is 0.5, but rollout.temperature is 1 and rollout.temperature_high none, "
                    + "so that nothing is tempered"),
            Mistake(
                "dr-grpo", ["grpo.scale=group"],
                "--set: grpo.scale is group, but objective is dr-grpo, which has no such setting; leave it out, or set objective to grpo"),
            Mistake(
                "grpo", ["reward.reference=0.5"],
                "--set: reward.reference is 0.5, but objective is grpo, whose rewards are those of the task alone; leave it out"),
            Mistake(
                "tb", ["states=tokens"],
                "--set: states is tokens, but objective is tb, which looks at whole responses only; leave it out"),
            Mistake(
                "subtb-unrooted", ["states=end"],
                "states is end, but objective is subtb-unrooted, which compares the states of a response; set states to steps or tokens"),
            Mistake(
                "subtb", ["replay.seed=demonstrations", "replay.share=0"],
                "replay.seed is demonstrations, but replay.share is 0, so nothing of the buffer is learned from; raise replay.share"),
            Mistake(
                "tb", ["replay.share=0.5", "rollout.samples_per_prompt=1"],
                "replay.share is 0.5, but rollout.samples_per_prompt is 1; replayed groups need at least 2"),
            Mistake(
                "rft", ["rft.collect_steps=7", "train.steps=7"],
                "rft.collect_steps is 7, but train.steps is 7, so nothing would be learned; raise train.steps"),
            Mistake(
                "dpo", ["dpo.source=data", "rollout.samples_per_prompt=4"],
                "--set: rollout.samples_per_prompt is 4, but objective is dpo, which samples nothing; leave it out"),
            Mistake(
                "grpo",
                ["rloo.kl_weight=1", "root.learning_rate=1", "rollout.samples_per_prompt=1", "rollout.temperature=0.5", "replay.share=0.5"],
                "--set: rloo.kl_weight is 1, but objective is grpo, which has no such setting; leave it out, or set objective to rloo",
                "--set: root.learning_rate is 1, but objective is grpo, which learns no log Z; leave it out",
                "rollout.samples_per_prompt is 1, but objective is grpo, which compares the responses to a prompt; "
                    + "set rollout.samples_per_prompt to at least 2",
                "rollout.temperature is 0.5, but objective is grpo, which learns from the policy's own samples; leave it at 1",
                "--set: replay.share is 0.5, but objective is grpo, which learns from \(own); leave it out"),
        ]

        @Test("with exit code 78", arguments: mistakes)
        func refused(mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            let outcome = try runProgram(["train"] + mistake.arguments + ["--output", "run"], in: folder.path)
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.ownErrors == mistake.sentences.map { "gfn-dist: \($0)" })
            #expect(outcome.output.isEmpty && !FileManager.default.fileExists(atPath: "\(folder.path)/run"))
        }

        @Test("preferences that a task does not have are bad data, said before anything begins", arguments: [[], ["mpirun", "-n", "2"]])
        func noPreferences(launcher: [String]) throws {
            let folder = try TemporaryFolder()
            let outcome = try runProgram(
                ["train", "--objective", "dpo", "--set", "dpo.source=data", "--output", "run"], under: launcher, in: folder.path)
            #expect(outcome.status == 65, "\(outcome.errors)")
            #expect(
                outcome.ownErrors == [
                    "gfn-dist: pathsum-train has no preferences, which --objective dpo learns from; "
                        + "name a file with lines {prompt, chosen, rejected} with --set data.train=FILE"
                ])
            #expect(outcome.output.isEmpty && !FileManager.default.fileExists(atPath: "\(folder.path)/run"))
        }

        @Test("samples without a pair are bad data, said once after they were collected", arguments: [
            (Layout.mpirun(4), 2), (.single(3), 1),
        ])
        func nothingCollected(layout: Layout, learners: Int) throws {
            let folder = try TemporaryFolder()
            // Nothing ends within one token, so nothing is right.
            let settings = Settings.standard.with([
                "objective": "dpo", "dpo.collect_steps": "2", "rollout.max_new_tokens": "1", "ranks.learners": "\(learners)",
                "evaluate.problems": "1", "evaluate.samples_per_problem": "1",
            ])
            let files = RunFiles(path: "\(folder.path)/run")
            let outcome = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: layout).outcome()
            #expect(outcome.status == 65, "\(outcome.errors)")
            #expect(
                outcome.ownErrors == [
                    "gfn-dist: rank 0 (learner), step 3: sampling for 2 steps found no prompt with a right and a wrong response, "
                        + "so objective dpo has nothing to learn from; collect in more steps, or start from a better model"
                ], "\(outcome.errors)")
            #expect(try files.metrics().count == 2 && files.latest == "step-2" && !files.exists("adapter"))
        }

        @Test("what makes sense is accepted", arguments: [
            ["--objective", "subtb", "--set", "rollout.samples_per_prompt=1", "--set", "replay.share=0"],
            ["--objective", "dpo", "--set", "rollout.temperature=1.5", "--set", "dpo.collect_steps=99"],
            ["--objective", "ppo", "--set", "value.learning_rate=0.1", "--set", "rollout.temperature=1.0", "--set", "lag=3"],
            ["--objective", "flowrl", "--set", "flowrl.standardised=false", "--set", "rollout.samples_per_prompt=1"],
            [
                "--objective", "grpo", "--set", "replay.share=0.0", "--set", "rollout.samples_per_prompt=2",
                "--set", "root.learning_rate=1e-2",
            ],
        ])
        func accepted(arguments: [String]) throws {
            let outcome = try runProgram(["train", "--dry-run", "--output", "run"] + arguments)
            #expect(outcome.status == 0 && outcome.ownErrors.isEmpty, "\(outcome.errors)")
        }
    }
}
