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
        var health = Health()
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
        var health = Health()
        for step in 1...50 {
            let line = #"{"step":\#(step),"loss":1.5,"gradient_norm":0.5,"residual_variance":null}"#
            #expect(health.note(try #require(MetricsLine(line))).isEmpty)
        }
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
