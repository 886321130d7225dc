import Foundation
import Learner
import Rollout
import Testing

@testable import gfn_dist

/// What `reward` leaves when it ends well; anything but exit code 0 is an error.
func reward(
    _ arguments: [String], as name: String, in folder: TemporaryFolder, under launcher: [String] = [],
    ranks: [String] = ["--threads", "1"]
) throws -> RunFiles {
    let run = RunFiles(path: "\(folder.path)/\(name)")
    let outcome = try runProgram(["reward", "--quiet", "--output", run.path] + ranks + arguments, under: launcher, in: folder.path)
    guard outcome.status == 0 else { throw Program.Failure(text: "reward \(arguments) ended with \(outcome.status): \(outcome.errors)") }
    return run
}

/// Labelled steps of the embedded task, and a reward model that learned from them on one rank; made once.
final class RewardFixture: @unchecked Sendable {
    private static let shared = Result { try RewardFixture() }
    static func made() throws -> RewardFixture { try shared.get() }

    let folder: TemporaryFolder
    /// 40 problems to learn from, and 10 others.
    let training, heldOut: String
    let run: RunFiles

    private init() throws {
        let folder = try TemporaryFolder()
        func label(_ problems: String, _ limit: String, _ name: String) throws -> String {
            let path = "\(folder.path)/\(name)"
            let outcome = try runProgram([
                "reward", "--label-with-rollouts", problems, "--limit", limit, "--samples-per-problem", "2", "--completions", "4",
                "--temperature", "1.2", "--output", path, "--quiet",
            ])
            guard outcome.status == 0 else { throw Program.Failure(text: "labels: \(outcome.errors)") }
            return path
        }
        self.folder = folder
        training = try label("pathsum", "40", "training.jsonl")
        heldOut = try label("pathsum-held-out", "10", "held-out.jsonl")
        run = try reward(Self.settings(training, heldOut), as: "run", in: folder, ranks: ["--single", "--ranks", "1", "--threads", "1"])
    }

    var settings: [String] { Self.settings(training, heldOut) }

    private static func settings(_ training: String, _ heldOut: String) -> [String] {
        set(
            "data.train=\(training)", "data.evaluate=\(heldOut)", "train.steps=12", "train.prompts_per_step=8", "train.warmup_steps=2",
            "train.learning_rate=1e-2", "checkpoint.every=4", "evaluate.every=6")
    }
}

func set(_ settings: String...) -> [String] { settings.flatMap { ["--set", $0] } }

extension RunFiles {
    /// What a run of `reward` says of its model, all of it.
    func rewardBytes() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in ["adapter/adapter_model.safetensors", "adapter/reward_head.safetensors", "scores.jsonl", "evaluation.json"] {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        files["metrics.jsonl"] = Data(try comparableMetrics().joined(separator: "\n").utf8)
        return files
    }

    func expectSameReward(as other: RunFiles, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (own, others) = (try rewardBytes(), try other.rewardBytes())
        for (name, bytes) in own { #expect(bytes == others[name], "\(path): \(name)", sourceLocation: sourceLocation) }
    }
}

extension ProgramTests {
    @Suite("reward")
    struct Reward {
        private static let layouts: [([String], [String])] = [
            ([], ["--single", "--ranks", "2", "--threads", "2"]), ([], ["--single", "--ranks", "3", "--threads", "1"]),
            (["mpirun", "-n", "2"], ["--threads", "1"]),
        ]

        @Test(
            "the model, its log and its scores have the same bytes on any number of ranks and threads",
            arguments: cases(layouts, inDebugEach: 2))
        func sameBytes(_ launcher: [String], _ ranks: [String]) throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let run = try reward(fixture.settings, as: "run", in: folder, under: launcher, ranks: ranks)
            try run.expectSameReward(as: fixture.run)
            try run.expectEveryStepOnce(12)
            #expect(Set(try run.metrics().compactMap { $0["adapter_sha256"] as? String }).count > 8, "it learns")
        }

        @Test(
            "a signal ends it with 75 and a checkpoint, and it goes on with other ranks to the same bytes",
            arguments: cases([["mpirun", "-n", "2"], []], inDebugEach: 2))
        func stopped(_ launcher: [String]) throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let long = fixture.settings + set("train.steps=40", "checkpoint.every=none")
            let files = RunFiles(path: "\(folder.path)/run")
            let program = try Program(["reward", "--quiet", "--threads", "1", "--output", files.path] + long, under: launcher)
            try program.reaches("a first step") { !files.metricLines.isEmpty }
            program.send(SIGUSR1)
            let outcome = try program.outcome()
            #expect(outcome.status == 75 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("go on with reward --resume --output \(files.path)"), "\(outcome.errors)")
            #expect(files.latest == "step-\(files.metricLines.count)" && !files.exists("adapter"))

            let resumed = try reward(["--resume"], as: "run", in: folder, ranks: ["--single", "--ranks", "3", "--threads", "1"])
            try resumed.expectSameReward(as: try reward(long, as: "whole", in: folder))
            try resumed.expectEveryStepOnce(40)
        }

        @Test("it goes on from the checkpoint that is whole, refuses other settings, is forced, and says when it is finished")
        func resumed() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let path = "\(folder.path)/run"
            func cut() throws {
                try? FileManager.default.removeItem(atPath: path)
                try FileManager.default.copyItem(atPath: fixture.run.path, toPath: path)
                try FileManager.default.removeItem(atPath: "\(path)/checkpoints/step-12/MANIFEST.json")
                try FileManager.default.removeItem(atPath: "\(path)/adapter")
            }
            try cut()
            try reward(["--resume"], as: "run", in: folder, ranks: ["--single", "--ranks", "2"]).expectSameReward(as: fixture.run)
            let again = try runProgram(["reward", "--resume", "--output", path])
            #expect(again.status == 0 && again.output + again.errors == "the run in \(path) is finished: all 12 steps are done, "
                + "and their weights are written\n", "\(again.output)\(again.errors)")

            try cut()
            let change = ["--resume"] + set("labels.smoothing=0.25")
            let refused = try runProgram(["reward", "--output", path] + change)
            #expect(refused.status == 78)
            // Before them, which checkpoint it would go on from.
            #expect(refused.ownErrors.suffix(2) == [
                "gfn-dist: --set: labels.smoothing was 0 and is 0.25 now",
                "gfn-dist: with this change the run in \(path) would not end with the bytes of an unbroken run; "
                    + "leave it out, or add --force",
            ])
            let forced = try reward(change + ["--force"], as: "run", in: folder)
            #expect(forced.latest == "step-12" && forced.adapter != fixture.run.adapter)
        }

        @Test("it starts from a policy's adapter with a new head, and from a reward model with its own")
        func starts() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let policy = try Reference.run()
            let few = fixture.settings + set("train.steps=2")
            let fromPolicy = try reward(few + ["--adapter", "\(policy.files.path)/adapter"], as: "policy", in: folder)
            // The first step's learning rate is 0.
            #expect(try fromPolicy.metrics()[0]["adapter_sha256"] as? String == policy.digest)
            #expect(abs(try fromPolicy.numbers("loss")[0] - log(2)) < 1e-12, "a new head says one half")

            let made = try fixture.run.rewardBytes()
            for adapter in [fixture.run.path, "\(fixture.run.path)/adapter"] {
                let judged = try reward(
                    ["--adapter", adapter] + set("train.steps=0", "data.evaluate=\(fixture.heldOut)"),
                    as: "judged-\(adapter.hasSuffix("adapter"))", in: folder)
                #expect(judged.text("scores.jsonl").map { Data($0.utf8) } == made["scores.jsonl"])
                #expect(judged.text("evaluation.json").map { Data($0.utf8) } == made["evaluation.json"] && !judged.exists("adapter"))
            }
            let further = try reward(few + ["--adapter", fixture.run.path], as: "further", in: folder)
            #expect(further.text("evaluation-0.json") == fixture.run.text("evaluation.json"))
            #expect(further.adapter != fixture.run.adapter)
        }

        // MARK: Data

        private static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        /// A tiny model of words.
        static let words = root.appendingPathComponent("Tests/ModelTests/Fixtures/nano-tied-f32/checkpoint").path

        @Test("the same labelled steps in the three shapes make the same model of words")
        func shapes() throws {
            let folder = try TemporaryFolder()
            let rows = [
                "shepherd": #"{"input":"2+3? Step 1: 2+3=5 ки\nStep 2: so 6 ки","label":"2+3? Step 1: 2+3=5 +\nStep 2: so 6 -"}"#,
                "stepwise": #"{"prompt":"2+3?","completions":["Step 1: 2+3=5","Step 2: so 6"],"labels":[true,false]}"#,
                "prm800k": #"{"question":{"problem":"2+3?"},"label":{"steps":[{"completions":[{"text":"Step 1: 2+3=5","rating":1}],"#
                    + #""chosen_completion":0},{"completions":[{"text":"Step 2: so 6","rating":-1}],"chosen_completion":null}]}}"#,
            ]
            var digests: Set<Data> = []
            for (name, row) in rows {
                let data = try folder.write(row + "\n", to: "\(name).jsonl")
                let run = try reward(
                    ["--model", Self.words]
                        + set("data.train=\(data)", "train.steps=3", "train.prompts_per_step=2", "train.warmup_steps=0"), as: name, in: folder)
                let losses = try run.numbers("loss")
                #expect(abs(losses[0] - log(2)) < 1e-9 && losses[2] < losses[0], "\(name): \(losses)")
                #expect(try run.numbers("labels") == [4, 4, 4])
                digests.insert(try Data(contentsOf: URL(fileURLWithPath: "\(run.path)/adapter/reward_head.safetensors")))
                digests.insert(try #require(run.adapter))
            }
            #expect(digests.count == 2, "one adapter and one head")
        }

        /// Eight rows of one step, six of them good.
        private static let unequal = (0..<8).map { row in
            "{\"prompt\":\" \(row) \(row + 2):\",\"completions\":[\"+2 \(row + 2)\"],\"labels\":[\(row % 4 != 3)]}\n"
        }.joined()

        @Test("the loss of a first step is what weights and smoothing make of the labels", arguments: [
            ("labels.balance=none", 0.0, 1.0), ("labels.balance=inverse", 0.0, 1.0), ("labels.balance=none", 0.2, 1.0),
            // A fair head: 1 − ε/2 + ε/4·(good/bad + bad/good).
            ("labels.balance=inverse", 0.2, 1 - 0.1 + 0.05 * (3 + 1.0 / 3)),
        ])
        func loss(_ balance: String, _ smoothing: Double, _ factor: Double) throws {
            let folder = try TemporaryFolder()
            let data = try folder.write(Self.unequal, to: "steps.jsonl")
            let run = try reward(
                set(
                    "data.train=\(data)", "train.steps=2", "train.prompts_per_step=8", "train.warmup_steps=0", balance,
                    "labels.smoothing=\(smoothing)"), as: "run", in: folder)
            let losses = try run.numbers("loss")
            #expect(abs(losses[0] - factor * log(2)) < 1e-12, "\(losses)")
            #expect(losses[1] < losses[0])
        }

        @Test("about the share of labels that is asked for is turned over, at places that hold whatever the share")
        func flipped() {
            let example = LabelledResponse(
                prompt: [1], reading: StepReading(tokens: [2, 2, 2, 2], places: [1, 2, 3, 4]), labels: [1, nil, 0, 0.25])
            let examples = Array(repeating: example, count: 1000)
            func places(_ share: Double, _ seed: UInt64 = 1) -> Set<Int> {
                let turned = LabelNoise(share: share, seed: seed).turningOver(examples).flatMap(\.labels)
                for (label, was) in zip(turned, examples.flatMap(\.labels)) {
                    #expect(label == was || was.map { 1 - $0 } == label)
                }
                return Set(turned.indices.filter { turned[$0] != examples[0].labels[$0 % 4] })
            }
            // Of 3000 labels 600 and 300, by six and seven standard deviations.
            #expect(abs(places(0.2).count - 600) < 132 && abs(places(0.1).count - 300) < 115)
            #expect(places(0.1).isSubset(of: places(0.2)) && places(0).isEmpty && places(1).count == 3000)
            #expect(places(0.2, 2) != places(0.2))
        }

        @Test("turned labels are the same ones whatever the ranks")
        func flippedOnRanks() throws {
            let (fixture, folder) = (try RewardFixture.made(), try TemporaryFolder())
            let settings = fixture.settings + set("labels.flipped=0.3", "train.steps=3")
            let one = try reward(settings, as: "one", in: folder)
            let three = try reward(settings, as: "three", in: folder, ranks: ["--single", "--ranks", "3"])
            try three.expectSameReward(as: one)
            let straight = try reward(fixture.settings + set("train.steps=3"), as: "straight", in: folder)
            #expect(straight.adapter != one.adapter)
        }

        // MARK: Mistakes

        struct Mistake: Sendable, CustomTestStringConvertible {
            let testDescription: String
            /// The second row of the data; nil: a good one.
            var row: String?
            var arguments: [String] = []
            let status: Int32
            let text: String
        }

        static let mistakes = [
            Mistake(testDescription: "no JSON", row: "{\"prompt\":", status: 65, text: "steps.jsonl:2"),
            Mistake(
                testDescription: "fewer labels than steps", row: #"{"prompt":" 1 4:","completions":["+1 2","+2 4"],"labels":[true]}"#,
                status: 65, text: "steps.jsonl:2: labels: expected as many labels as there are completions, 2"),
            Mistake(
                testDescription: "a step without its sign",
                row: #"{"input":"1 Step 1: a ки\nStep 2: b ки","label":"1 Step 1: a +\nStep 2: b ки"}"#,
                status: 65, text: "steps.jsonl:2: label: expected the input with + or - for each ки (step 2)"),
            Mistake(
                testDescription: "another rating",
                row: #"{"question":{"problem":"1"},"label":{"steps":[{"completions":[{"text":"a","rating":7}]}]}}"#,
                status: 65, text: "steps.jsonl:2: label.steps[0].completions[0].rating: expected -1, 0 or 1, found 7"),
            Mistake(
                testDescription: "words for the embedded task", row: #"{"prompt":"How many?","completions":["two"],"labels":[true]}"#,
                status: 65, text: "steps.jsonl:2: prompt: expected a problem of the embedded task, as \"37 84:\", found 'How many?'"),
            Mistake(
                testDescription: "soft labels that are not there", arguments: set("labels.kind=soft"), status: 65,
                text: "labels.kind is soft, but steps.jsonl has no soft labels"),
            Mistake(
                testDescription: "no data", arguments: set("data.train="), status: 78,
                text: "data.train is not set: name the JSON Lines of labelled steps with --set data.train=FILE"),
            Mistake(
                testDescription: "data that is not there", arguments: set("data.train=nowhere.jsonl"), status: 66,
                text: "nowhere.jsonl cannot be read: there is no such file"),
            Mistake(
                testDescription: "a setting of policies", arguments: set("rollout.temperature=2"), status: 78,
                text: "--set: rollout.temperature is 2, which training a reward model has no use for; leave it out"),
            Mistake(
                testDescription: "a random model", arguments: ["--model", "random"], status: 78,
                text: "model is 'random', which has learned nothing that a reward model could build on"),
            Mistake(
                testDescription: "a flag of sampling", arguments: ["--temperature", "1"], status: 64,
                text: "--temperature goes with --label-with-rollouts: training a reward model samples nothing"),
            Mistake(
                testDescription: "problems without the flag", arguments: ["pathsum"], status: 64,
                text: "'pathsum' is given as an argument, but labelled steps are named by --set data.train=FILE"),
            Mistake(
                testDescription: "a reward model to score with", arguments: ["--reward-model", "r"], status: 64,
                text: "--reward-model names a model to score with, and reward makes one"),
            Mistake(
                testDescription: "--force alone", arguments: ["--force"], status: 64,
                text: "--force goes with --resume: a new run has nothing to be forced past"),
            Mistake(
                testDescription: "nothing to judge", arguments: set("train.steps=0", "data.evaluate=steps.jsonl"), status: 78,
                text: "train.steps is 0, and there is no reward model to judge; name the folder of one"),
            Mistake(
                testDescription: "an adapter that is not there", arguments: ["--adapter", "nowhere"], status: 66,
                text: "nowhere: adapter_config.json is missing"),
        ]

        @Test("mistakes are said in one sentence, with the line and the exit code, and leave no folder", arguments: mistakes)
        func refused(_ mistake: Mistake) throws {
            let folder = try TemporaryFolder()
            let good = #"{"prompt":" 1 4:","completions":["+1 2","+2 4"],"labels":[true,false]}"#
            _ = try folder.write(good + "\n" + (mistake.row ?? good) + "\n", to: "steps.jsonl")
            let outcome = try runProgram(
                ["reward", "--output", "run"] + set("data.train=steps.jsonl", "train.steps=1") + mistake.arguments, in: folder.path)
            #expect(outcome.status == mistake.status, "\(outcome.errors)")
            let said = mistake.status == 64 ? outcome.errors.split(separator: "\n").prefix(1).map { String($0) } : outcome.ownErrors
            #expect(said.count == 1 && said[0].contains(mistake.text), "\(outcome.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["steps.jsonl"])
        }
    }
}
