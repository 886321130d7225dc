import Foundation
import Problems
import TestSupport
import Testing

@testable import Evaluation

/// Samples of one problem, by answer and whether it is right.
func judged(_ verdicts: [(String, Bool)]) -> JudgedSamples {
    JudgedSamples(
        verdicts.map { answer, isCorrect in
            JudgedSamples.Sample(
                text: "the answer is \(answer)", verdict: Verdict(isCorrect ? .correct : .wrong, answer: answer), isFinished: true,
                length: 4, entropyPerToken: 0.5)
        })
}

func summary(of problems: [JudgedSamples], resamples: Int = 200) throws -> TemperatureSummary {
    var options = EvaluationOptions()
    options.resamples = resamples
    var tally = TemperatureTally(options)
    for (number, problem) in problems.enumerated() { tally.add(problem.figures(options), of: number, named: "\(number)") }
    return try #require(tally.summary)
}

@Suite("Evaluation summaries")
struct SummaryTests {
    @Test("a summary's values are means over problems")
    func means() throws {
        let problems = [
            judged([("1", true), ("1", true), ("2", false), ("3", false)]),
            judged([("5", false), ("5", false), ("6", true), ("7", false)]),
        ]
        let summary = try summary(of: problems)
        func value(_ figure: Figure) throws -> Double { try #require(summary[figure]).value }
        expectClose(try value(.accuracy), 0.375)
        expectClose(try value(.pass(1)), 0.375)
        expectClose(try value(.pass(2)), (1 - 1.0 / 6 + 0.5) / 2)
        expectClose(try value(.pass(3)), 1 - 0.25 / 2)
        expectClose(try value(.pass(4)), 1)
        expectClose(try value(.majority(1)), 0.5)
        expectClose(try value(.majority(4)), 0.5)
        expectClose(try value(.distinct(.exact)), 1)
        expectClose([try value(.length), try value(.words), try value(.entropyPerToken), try value(.unfinished)], [4, 4, 0.5, 0])
        let accuracy = try #require(summary[.accuracy])
        #expect(accuracy.low >= 0.25 && accuracy.low <= 0.375 && accuracy.high >= 0.375 && accuracy.high <= 0.5)
        #expect(summary.verdicts == [.correct: 0.375, .wrong: 0.625])
        #expect(summary.examples[.wrong] == Example(problem: "0", text: "the answer is 2"))
        #expect(TemperatureTally(EvaluationOptions()).summary == nil)
    }

    @Test("what is known of some samples only is not averaged over them")
    func partlyKnown() throws {
        var samples = judged([("1", true), ("2", false)])
        samples.samples[1].length = nil
        samples.samples[0].entropyPerToken = nil
        samples.samples[0].isFinished = nil
        let figures = samples.figures(EvaluationOptions())
        for figure in [Figure.length, .entropyPerToken, .unfinished] { #expect(figures.values[figure] == nil) }
        #expect(figures.values[.words] == 4)
    }

    @Test("intervals are those of a bootstrap: as wide as the normal ones, and they cover the mean as often as they say")
    func intervals() throws {
        // 100 problems, drawn again for each of 200 rounds from a known distribution of mean 0.3.
        var (covered, rounds, width) = (0, 200, 0.0)
        for round in 0..<rounds {
            var tally = Tally<Int>(resamples: 200)
            for problem in 0..<100 {
                let hash = UInt64(round * 100 + problem + 1) &* 0x9E37_79B9_7F4A_7C15
                let value = Double(((hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9) >> 11) * 0x1p-53
                tally.add([0: value < 0.3 ? 1 : 0], of: problem)
            }
            let estimate = try #require(tally.estimates[0])
            width += (estimate.high - estimate.low) / Double(rounds)
            if estimate.low <= 0.3, 0.3 <= estimate.high { covered += 1 }
        }
        // 2 · 1.96 · √(0.3 · 0.7 / 100) = 0.180. Of 200 rounds, 190 ± 3 cover.
        #expect(abs(width - 0.180) < 0.009, "\(width)")
        #expect((180...199).contains(covered), "\(covered)")
    }

    @Test("a problem's weights are Poisson draws of mean and variance 1, and always the same")
    func weights() {
        let weights = (0..<50).flatMap { Tally<Int>.weights(of: $0, resamples: 1000, seed: 3) }
        let mean = weights.reduce(0, +) / Double(weights.count)
        let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(weights.count)
        #expect(abs(mean - 1) < 0.02 && abs(variance - 1) < 0.03, "\(mean) \(variance)")
        let none = Double(weights.count { $0 == 0 }) / Double(weights.count)
        #expect(abs(none - 0.3679) < 0.01)
        #expect(Tally<Int>.weights(of: 7, resamples: 10, seed: 3) == Array(weights[7000..<7010]))
    }

    @Test("a difference is of the problems and figures that both sets have, and narrower than the means it is between")
    func differences() throws {
        var (base, means, differences) = (ProblemValues(), Tally<Figure>(), Tally<Figure>())
        let temperature = Temperature(0.5)
        for problem in 0..<100 {
            var values: [Figure: Double] = [.accuracy: Double(problem % 10) / 10]
            if problem % 2 == 0 { values[.selfBLEU] = 0.5 }
            base.add(values, at: temperature, of: problem)
        }
        for problem in 50..<150 {
            let values: [Figure: Double] = [.accuracy: Double(problem % 10) / 10 + 0.05, .selfBLEU: 0.75, .words: 3]
            means.add(values, of: problem)
            #expect(base.difference(of: values, at: Temperature(1), of: problem) == nil)
            if let difference = base.difference(of: values, at: temperature, of: problem) { differences.add(difference, of: problem) }
        }
        let accuracy = try #require(differences.estimates[.accuracy])
        expectClose([accuracy.value, accuracy.low, accuracy.high], [0.05, 0.05, 0.05], absolute: 1e-12)
        let bleu = try #require(differences.estimates[.selfBLEU])
        #expect(accuracy.problems == 50 && bleu.problems == 25 && bleu.value == 0.25)
        #expect(differences.keys == [.accuracy, .selfBLEU])
        let mean = try #require(means.estimates[.accuracy])
        #expect(mean.high - mean.low > 0.05)
    }

    @Test("runs of one method: their mean, and an interval that knows of the spread between problems and between runs")
    func runs() throws {
        func tally(_ values: [Double]) -> Tally<Int> {
            var tally = Tally<Int>(resamples: 1000, seed: 5)
            for (problem, value) in values.enumerated() { tally.add([0: value], of: problem) }
            return tally
        }
        func pooled(_ runs: [[Double]]) throws -> Estimate {
            let draws = Tally<Int>.draws(ofRuns: runs.count, resamples: 1000, seed: 5)
            return try #require(Tally.combined(runs.map(tally), draws: draws).estimates[0])
        }
        // One run alone is what it is.
        let uneven = (0..<40).map { Double($0 % 7) }
        #expect(try pooled([uneven]) == tally(uneven).estimates[0])
        // Equal runs say nothing that one does not, up to the order of sums.
        let (one, three) = (try pooled([uneven]), try pooled([uneven, uneven, uneven]))
        expectClose([three.value, three.low, three.high], [one.value, one.low, one.high], absolute: 1e-12)
        #expect(three.problems == 40)
        // Where problems are alike, the spread is that of drawing runs: of values 1, 2 and 6 the mean of three draws is 1 or 6 with
        // probability 1/27 each, above 2.5 %.
        let apart = try pooled([1, 2, 6].map { [Double](repeating: $0, count: 40) })
        expectClose([apart.value, apart.low, apart.high], [3, 1, 6], absolute: 1e-12)
    }

    @Test("draws of runs with replacement: as many as there are runs in every resample, binomial, and by set")
    func draws() {
        let draws = Tally<Int>.draws(ofRuns: 3, resamples: 30_000, seed: 1)
        for resample in 0..<30_000 { #expect(draws[0][resample] + draws[1][resample] + draws[2][resample] == 3) }
        for run in draws {
            // Binomial(3, 1/3): mean 1, none in 8/27.
            #expect(abs(run.reduce(0, +) / 30_000 - 1) < 0.02)
            #expect(abs(Double(run.count { $0 == 0 }) / 30_000 - 8.0 / 27) < 0.01)
        }
        #expect(draws != Tally<Int>.draws(ofRuns: 3, inSet: 1, resamples: 30_000, seed: 1))
    }

    @Test("one problem has no spread")
    func single() throws {
        var tally = Tally<Int>()
        tally.add([0: 0.25], of: 3)
        #expect(tally.estimates[0] == Estimate(value: 0.25, low: 0.25, high: 0.25, problems: 1))
    }

    private func evaluation(of problems: [JudgedSamples]) throws -> EvaluationSummary {
        let exact = ExactDistance(logPolicy: [-1, -2], logReward: [0, 0.5])
        return EvaluationSummary(
            dataset: "pathsum", samplesPerProblem: 2, policyVersion: 400, adapterSHA256: "ab",
            all: EvaluationSummary.Part(problems: problems.count, temperatures: [Temperature(1): try summary(of: problems, resamples: 50)]),
            exact: ExactSummary([exact]))
    }

    @Test("the encoded evaluation has the fields that scripts rely on")
    func encoding() throws {
        let evaluation = try evaluation(of: [judged([("1", true), ("2", false)]), judged([("3", false), ("4", false)])])
        let data = try EvaluationSummary.json([evaluation])
        #expect(try data == EvaluationSummary.json([evaluation]))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["dataset"] as? String == "pathsum" && object["samples_per_problem"] as? Int == 2)
        #expect(object["problems"] as? Int == 2)
        #expect(object["policy_version"] as? Int == 400 && object["adapter_sha256"] as? String == "ab")
        let all = try #require(object["temperatures"] as? [String: [String: Any]])
        let one = try #require(all["1.0"])
        expectClose(try number(one["accuracy"]), 0.25)
        #expect((one["accuracy_interval"] as? [Double])?.count == 2)
        expectClose(try number((one["pass_at"] as? [String: Any])?["2"]), 0.5)
        #expect((one["maj_at"] as? [String: Any])?["2_interval"] != nil)
        let distinct = try #require(one["distinct_correct"] as? [String: Any])
        #expect(Set(["exact", "rouge_l_0.6", "rouge_l_0.7", "rouge_l_0.8"]).isSubset(of: distinct.keys))
        let values = try #require(object["exact"] as? [String: Any])
        expectClose(try number(values["correct_mass"]), exp(-1.0) + exp(-2.0))
        for key in ["total_variation", "kl_target_policy", "kl_policy_target", "log_z_gap"] { #expect(values[key] != nil) }
        #expect(evaluation.table.contains("accuracy") && evaluation.table.contains("0.250"))
    }

    @Test("several evaluations are a list; parts by field and differences have the same keys as the whole")
    func nested() throws {
        var evaluation = try evaluation(of: [judged([("1", true), ("2", false)])])
        evaluation.name = "ours"
        evaluation.groups = ["level": ["3": evaluation.all]]
        let figures = try #require(evaluation.all.temperatures[Temperature(1)]).figures
        evaluation.difference = EvaluationSummary.Difference(
            name: "base", problems: 1, greedy: [:], temperatures: [Temperature(1): figures])
        let list = try #require(
            try JSONSerialization.jsonObject(with: try EvaluationSummary.json([evaluation, evaluation])) as? [[String: Any]])
        #expect(list.count == 2)
        let object = list[0]
        let level = (((object["by"] as? [String: Any])?["level"] as? [String: Any])?["3"] as? [String: Any])
        let against = try #require(object["against"] as? [String: Any])
        #expect(object["name"] as? String == "ours" && against["name"] as? String == "base" && level?["problems"] as? Int == 1)
        for part in [object, try #require(level), against] {
            let one = (part["temperatures"] as? [String: [String: Any]])?["1.0"]
            expectClose(try number(one?["accuracy"]), 0.5)
            #expect(one?["accuracy_interval"] != nil)
        }
    }
}
