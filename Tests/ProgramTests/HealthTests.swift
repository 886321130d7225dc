import Foundation
import Testing

@testable import gfn_dist

@Suite("Health of a run")
struct HealthTests {
    /// A step as a healthy run has it, with changes.
    private static func line(_ step: Int, _ changes: [String: Double] = [:]) throws -> MetricsLine {
        var numbers: [String: Double] = [
            "unique_share": 0.8, "equal_reward_share": 0.2, "length_mean": 20, "unfinished_share": 0.02, "gradient_norm": 0.7,
            "replay_share": 0.3, "replay_duplicate_share": 0.4, "replay_trajectories": 100, "residual_variance": 5,
        ]
        numbers.merge(changes) { $1 }
        var line = JSONLine()
        line.add("step", step)
        for (key, value) in numbers.sorted(by: { $0.key < $1.key }) where !key.contains(".") { line.add(key, value) }
        var verdicts = JSONLine()
        for reason in ["correct", "wrong", "unread", "unfinished"] { verdicts.add(reason, changes["verdicts.\(reason)"] ?? 0.25) }
        line.add("verdicts", verdicts)
        return try #require(MetricsLine(line.text))
    }

    /// What is said of a run whose figures are those of `changes` from step 6 on.
    private static func findings(steps: Int = 20, _ changes: (Int) -> [String: Double]) throws -> [Health.Warning] {
        var health = Health(minimisesResiduals: true)
        return try (1...steps).flatMap { health.note(try line($0, $0 > 5 ? changes($0) : [:])) }
    }

    @Test("each fault raises its own warning within 20 steps, once, and no other", arguments: [
        (Health.Finding.diversityCollapsing, ["unique_share": 0.2], "diversity is collapsing"),
        (.rewardStuck, ["equal_reward_share": 1, "verdicts.unread": 0.4], "verdicts: unread 40 %"),
        (.lengthDrifting, ["length_mean": 50], "tokens, 20.0 at the beginning"),
        (.lengthDrifting, ["length_mean": 8], "lengths drift"),
        (.samplesUnfinished, ["unfinished_share": 0.75], "% of the samples are cut off by the limit of tokens"),
        (.stoppingEarly, ["verdicts.unread": 0.9], "% end without an answer that can be read, 25 % at the beginning"),
        (.noGradient, ["gradient_norm": 0], "the gradient has been zero"),
        (.bufferDegenerate, ["replay_duplicate_share": 0.99], "the same 100 solutions"),
        (.residualsGrowing, ["residual_variance": 80], "the variance of H is"),
    ])
    func planted(finding: Health.Finding, changes: [String: Double], words: String) throws {
        let warnings = try Self.findings { _ in changes }
        #expect(warnings.map(\.finding) == [finding], "\(warnings)")
        #expect(warnings.first?.text.contains(words) == true, "\(warnings)")
        #expect(try Self.findings(steps: 200) { _ in changes }.count == 1, "it is said once")
    }

    @Test("a healthy run, one whose figures are off for a moment, and one without rollouts raise none")
    func healthy() throws {
        #expect(try Self.findings(steps: 300) {
            ["unique_share": 0.7 + 0.05 * Double($0 % 5), "gradient_norm": $0 % 7 == 0 ? 0 : 1]
        }.isEmpty)
        #expect(try Self.findings(steps: 300) { $0 % 10 == 0 ? [:] : ["equal_reward_share": 1] }.isEmpty)
        #expect(try Self.findings(steps: 60) {
            $0 == 30 ? ["unfinished_share": 1, "length_mean": 40, "residual_variance": 40] : [:]
        }.isEmpty)
        var health = Health(minimisesResiduals: true)
        for step in 1...50 {
            let line = #"{"step":\#(step),"loss":1.5,"gradient_norm":0.5,"residual_variance":null}"#
            #expect(health.note(try #require(MetricsLine(line))).isEmpty)
        }
    }

    @Test("in a long run residuals are small for some steps and large for others by chance, and no fault; where they stay large they are")
    func longRun() throws {
        func variance(_ step: Int) -> Double { (1...5).contains(step % 400) ? 0.3 : (200...206).contains(step % 400) ? 14 : 3 }
        #expect(try Self.findings(steps: 4000) { ["residual_variance": variance($0)] }.isEmpty)
        let diverged = try Self.findings(steps: 4000) { ["residual_variance": $0 < 3000 ? variance($0) : 60] }
        #expect(diverged.map(\.finding) == [.residualsGrowing] && (3000...3020).contains(diverged[0].step))
    }

    @Test("residuals may grow where no objective makes them small")
    func others() throws {
        var health = Health(minimisesResiduals: false)
        #expect(try (1...20).flatMap { health.note(try Self.line($0, $0 > 5 ? ["residual_variance": 80] : [:])) }.isEmpty)
    }

    @Test("what was well for a while and is not again is said again")
    func again() throws {
        let steps = try Self.findings(steps: 120) { (40..<80).contains($0) ? [:] : ["unfinished_share": 0.9] }.map(\.step)
        #expect(steps.count == 2 && steps[0] < 20 && steps[1] >= 80, "\(steps)")
    }

    @Test("lines of metrics are read as they were written; a torn one is none")
    func lines() throws {
        let line = try #require(MetricsLine(
            #"{"step":3,"loss":null,"age_histogram":[4, 0],"adapter_sha256":"ab","verdicts":{"wrong":0.5},"repeatable":false}"#))
        #expect(line.step == 3 && line["loss"] == nil && line["verdicts.wrong"] == 0.5 && line.lists["age_histogram"] == [4, 0])
        #expect(line.texts == ["adapter_sha256": "ab"])
        #expect(MetricsLine(#"{"step":3,"lo"#) == nil && MetricsLine("{}") == nil)
    }
}

extension ProgramTests {
    @Suite("health of whole runs", .enabled(if: isOptimised, "in release: it is figures that are tried"))
    struct HealthOfRunsTests {
        /// The warnings that a run of 20 steps writes into its log, and what it says.
        private func warnings(_ settings: [String], _ arguments: [String] = []) throws -> (names: Set<String>, said: String) {
            let folder = try TemporaryFolder()
            let fixed = [
                "train.steps=20", "train.warmup_steps=0", "evaluate.problems=1", "evaluate.samples_per_problem=1", "checkpoint.every=none",
            ]
            let outcome = try runProgram(
                ["train", "--threads", "1", "--output", "\(folder.path)/run"] + arguments + (fixed + settings).flatMap { ["--set", $0] })
            #expect(outcome.status == 0, "\(outcome)")
            let lines = try RunFiles(path: "\(folder.path)/run").metrics()
            return (Set(lines.flatMap { $0["warnings"] as? [String] ?? [] }), outcome.output + outcome.errors)
        }

        private static let worthless = ["reward.correct=0", "reward.process=0", "reward.unfinished=0"]
        private static let diverging = ["train.learning_rate=2e-2", "train.clip_norm=none"]

        @Test("a planted fault of each kind raises its own warning within 20 steps", arguments: [
            (Health.Finding.diversityCollapsing, ["objective=grpo", "rollout.samples_per_prompt=64", "train.learning_rate=4e-3"]),
            (.rewardStuck, worthless),
            (.lengthDrifting, diverging),
            (.samplesUnfinished, ["rollout.max_new_tokens=4"]),
            (.stoppingEarly, diverging + ["reward.unfinished=0", "reward.correct=0"]),
            (.noGradient, worthless + ["objective=rloo", "rloo.kl_weight=0"]),
            (.residualsGrowing, diverging),
        ])
        func planted(finding: Health.Finding, settings: [String]) throws {
            let (names, said) = try warnings(settings)
            #expect(names.contains(finding.rawValue), "\(names) \(said)")
            #expect(said.contains("warning at step "))
        }

        @Test("a buffer that two problems fill with the same few solutions does")
        func buffer() throws {
            let folder = try TemporaryFolder()
            let data = "\(folder.path)/two.jsonl"
            try #"{"question":"37 84:","answer":"84"}"#.appending("\n")
                .appending(#"{"question":"12 40:","answer":"40"}"#).appending("\n").write(toFile: data, atomically: true, encoding: .utf8)
            let base = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path
            let (names, said) = try warnings(
                [
                    "data.train=\(data)", "replay.share=0.5", "replay.keep=all", "train.prompts_per_step=2", "rollout.samples_per_prompt=16",
                    "train.learning_rate=1e-5",
                ], ["--model", base])
            #expect(names.contains("buffer_degenerate"), "\(names) \(said)")
        }

        @Test("a healthy run raises none, whatever is sampled at once")
        func healthy() throws {
            #expect(try warnings(["train.learning_rate=5e-4", "train.warmup_steps=10"]).names.isEmpty)
            #expect(try warnings(["train.learning_rate=5e-4", "train.warmup_steps=10", "rollout.samples_per_prompt=32"]).names.isEmpty)
        }
    }
}
