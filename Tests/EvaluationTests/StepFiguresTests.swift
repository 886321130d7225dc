import Foundation
import TestSupport
import Testing

@testable import Evaluation

/// Solutions by the scores and labels of their steps.
func judgedSolutions(_ solutions: [[(Double, Bool)]]) -> [JudgedSolution] {
    solutions.map { JudgedSolution($0.map { JudgedStep(score: $0, isGood: $1) }) }
}

@Suite("Figures of a process reward model")
struct StepFiguresTests {
    /// A row of the fixture.
    private struct Case: Decodable {
        struct Figures: Decodable {
            var good_share, accuracy, log_loss, brier, calibration_error: Double
            var auc, found_errors, accepted_solutions, f1: Double?

            var all: [Double?] {
                [good_share, accuracy, log_loss, brier, calibration_error, auc, found_errors, accepted_solutions, f1]
            }
        }

        struct Bins: Decodable {
            var counts: [Int]
            var mean_scores, good_shares: [Double]
        }

        var name: String
        var solutions: [[[Double]]]
        var weights: [UInt8]
        var plain: Figures
        /// Nil where all weights are 0.
        var weighted: Figures?
        var bins: Bins

        var judged: [JudgedSolution] { judgedSolutions(solutions.map { $0.map { ($0[0], $0[1] == 1) } }) }
    }

    private func cases() throws -> [Case] {
        let text = try String(contentsOf: fixtureFolder().appendingPathComponent("step_figures.jsonl"), encoding: .utf8)
        let cases = try text.split(separator: "\n").map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
        #expect(cases.count == 13)
        return cases
    }

    /// In the order of the fixture's `all`.
    private func values(_ statistics: StepStatistics, _ way: Int = 0) -> [Double?] {
        [
            statistics.goodShare, statistics.accuracy, statistics.logLoss, statistics.brierScore, statistics.calibrationError,
            statistics.areaUnderCurve, statistics.foundErrors, statistics.acceptedSolutions, statistics.firstErrorF1,
        ].map { $0[way] }
    }

    private func expectSame(_ actual: [Double?], _ expected: [Double?], _ name: String) {
        #expect(actual.map { $0 == nil } == expected.map { $0 == nil }, "\(name): \(actual) \(expected)")
        let known = zip(actual, expected).compactMap { actual, expected in actual.flatMap { actual in expected.map { (actual, $0) } } }
        expectClose(known.map { $0.0 }, known.map { $0.1 }, relative: 1e-12, absolute: 1e-12, name)
    }

    @Test("figures are those of scikit-learn")
    func plain() throws {
        for row in try cases() {
            let figures = StepFigures(row.judged, resamples: 20)
            let estimates = [
                figures.goodShare, figures.accuracy, figures.logLoss, figures.brierScore, figures.calibrationError, figures.areaUnderCurve,
                figures.foundErrors, figures.acceptedSolutions, figures.firstErrorF1,
            ]
            expectSame(estimates.map { $0?.value }, row.plain.all, row.name)
            #expect(figures.solutions == row.solutions.count && figures.steps == row.solutions.map(\.count).reduce(0, +))
        }
    }

    @Test("figures of weighted solutions are those of scikit-learn with sample_weight")
    func weighted() throws {
        for row in try cases() {
            let statistics = StepStatistics(row.judged, weights: .given(row.weights))
            expectSame(values(statistics), row.weighted?.all ?? [Double?](repeating: nil, count: 9), row.name)
        }
    }

    @Test("bins are those of scikit-learn's calibration_curve, bounds and empty ones included")
    func bins() throws {
        for row in try cases() {
            let bins = CalibrationBin.bins(of: row.judged.flatMap(\.steps))
            #expect(bins.map(\.steps) == row.bins.counts, "\(row.name)")
            #expect(bins.map { $0.meanScore == nil } == row.bins.counts.map { $0 == 0 })
            expectClose(bins.compactMap(\.meanScore), row.bins.mean_scores, relative: 1e-12, absolute: 1e-12, row.name)
            expectClose(bins.compactMap(\.goodShare), row.bins.good_shares, relative: 1e-12, absolute: 1e-12, row.name)
            #expect(bins.first?.low == 0 && bins.last?.high == 1 && zip(bins, bins.dropFirst()).allSatisfy { $0.high == $1.low })
        }
    }

    @Test("resamples weighed together have the values of each weighed alone, from the draws of other figures")
    func resamples() throws {
        for row in try cases() {
            let solutions = row.judged
            let together = StepStatistics(solutions, weights: .bootstrap(solutions.count, resamples: 30, seed: 5))
            let draws = solutions.indices.map { Tally<Int>.weights(of: $0, resamples: 30, seed: 5) }
            for resample in 0..<30 {
                let alone = StepStatistics(solutions, weights: .given(draws.map { UInt8($0[resample]) }))
                #expect(values(together, resample) == values(alone), "\(row.name), resample \(resample)")
            }
        }
    }

    @Test("of solutions with one step each, means have the intervals of other figures to the last bit")
    func oneStep() throws {
        let solutions = (0..<50).map { number in
            let score = Double(number * 7 % 50) / 50
            return JudgedSolution([JudgedStep(score: score, isGood: number % 3 > 0)])
        }
        let figures = StepFigures(solutions, resamples: 200, seed: 3)
        var tally = Tally<String>(resamples: 200, seed: 3)
        for (number, solution) in solutions.enumerated() {
            let (score, isGood) = (solution.steps[0].score, solution.steps[0].isGood)
            let target = isGood ? 1.0 : 0, isRight = (score >= 0.5) == isGood
            let brier = (score - target) * (score - target)
            tally.add(["accuracy": isRight ? 1.0 : 0, "brier": brier, "good": target], of: number)
        }
        let expected = tally.estimates
        #expect(figures.accuracy == expected["accuracy"] && figures.brierScore == expected["brier"])
        #expect(figures.goodShare == expected["good"])
        #expect(figures.accuracy.low < figures.accuracy.value && figures.accuracy.value < figures.accuracy.high)
    }

    @Test("a resample that lacks a kind of step is left out of the interval of what needs both")
    func lackingResamples() throws {
        let solutions = judgedSolutions([[(0.9, true), (0.2, true)], [(0.4, false)], [(0.8, true)]])
        let figures = StepFigures(solutions)
        let area = try #require(figures.areaUnderCurve)
        #expect(area.value == 2.0 / 3 && area.low == 0.5 && area.high == 1 && area.problems == 3)
        let statistics = StepStatistics(solutions, weights: .bootstrap(3, resamples: 1000, seed: 0))
        #expect(statistics.areaUnderCurve.contains { $0 == nil } && statistics.firstErrorF1.contains { $0 == nil })
        // There is one solution with an error, so resamples say nothing of it.
        #expect(figures.foundErrors == Estimate(value: 1, low: 1, high: 1, problems: 1))
        #expect(figures.acceptedSolutions?.value == 0.5 && figures.acceptedSolutions?.problems == 2)
    }

    @Test("intervals cover what the scores were drawn from about as often as they say")
    func coverage() throws {
        // Three steps of a solution share a draw for their scores, so that a bootstrap of steps would be too narrow.
        var (covered, widths, rounds) = (0, 0.0, 120)
        for round in 0..<rounds {
            var solutions: [JudgedSolution] = []
            for number in 0..<60 {
                let hash = UInt64(round * 60 + number + 1) &* 0x9E37_79B9_7F4A_7C15
                let uniform = Double(((hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9) >> 11) * 0x1p-53
                let step = JudgedStep(score: uniform < 0.7 ? 0.9 : 0.1, isGood: true)
                solutions.append(JudgedSolution([step, step, step]))
            }
            let accuracy = StepFigures(solutions, resamples: 200).accuracy
            widths += (accuracy.high - accuracy.low) / Double(rounds)
            if accuracy.low <= 0.7, 0.7 <= accuracy.high { covered += 1 }
        }
        // 2 · 1.96 · √(0.7 · 0.3 / 60) = 0.232. Of 120 rounds, 114 ± 2.4 cover.
        #expect(abs(widths - 0.232) < 0.015, "\(widths)")
        #expect((105...120).contains(covered), "\(covered)")
    }

    @Test("equal solutions have equal figures, and another seed other intervals about the same values")
    func deterministic() throws {
        let solutions = try #require(try cases().last).judged
        let (first, again, other) = (StepFigures(solutions), StepFigures(solutions), StepFigures(solutions, seed: 1))
        #expect(first == again && first != other)
        #expect(first.areaUnderCurve?.value == other.areaUnderCurve?.value && first.areaUnderCurve != other.areaUnderCurve)
        for estimate in [first.accuracy, first.logLoss, first.brierScore, first.areaUnderCurve, first.firstErrorF1].compactMap({ $0 }) {
            #expect(estimate.low < estimate.value && estimate.value < estimate.high)
        }
    }

    @Test("the encoded figures have an interval beside each value, and nothing of what is not known")
    func encoding() throws {
        func object(_ solutions: [[(Double, Bool)]]) throws -> [String: Any] {
            let data = try JSONEncoder().encode(StepFigures(judgedSolutions(solutions), resamples: 50))
            return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }
        let both = try object([[(0.75, true), (0.25, false)], [(1, true)], [(0.75, true)]])
        #expect(both["solutions"] as? Int == 3 && both["steps"] as? Int == 4)
        // Gaps: 0.25 of one bad step, twice 0.25 of good ones, 0 of another.
        let expected: [String: Double] = [
            "good_share": 0.75, "accuracy": 1, "auc": 1, "brier": 0.1875 / 4, "calibration_error": 0.1875,
        ]
        for (key, value) in expected {
            expectClose(try number(both[key]), value, absolute: 1e-12, key)
            #expect((both[key + "_interval"] as? [Double])?.count == 2)
        }
        #expect(both["log_loss"] != nil)
        let firstError = try #require(both["first_error"] as? [String: Any])
        for key in ["found_errors", "accepted_solutions", "f1"] {
            #expect(firstError[key] as? Double == 1 && firstError[key + "_interval"] as? [Double] == [1, 1])
        }
        let bins = try #require(both["bins"] as? [[String: Any]])
        #expect(bins.count == 10 && bins[7]["steps"] as? Int == 2 && bins[7]["mean_score"] as? Double == 0.75)
        #expect(bins[0]["steps"] as? Int == 0 && bins[0]["mean_score"] == nil && bins[0]["good_share"] == nil)
        let good = try object([[(0.75, true)]])
        #expect(good["auc"] == nil && good["auc_interval"] == nil)
        #expect(Set(try #require(good["first_error"] as? [String: Any]).keys) == ["accepted_solutions", "accepted_solutions_interval"])
    }
}
