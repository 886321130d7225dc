import TestSupport
import Testing

@testable import Evaluation

@Suite("Distinct solutions at equal accuracy")
struct AccuracyCurveTests {
    @Test("the most at at least that accuracy, along lines between neighbours", arguments: [
        // On points, between them, and where a lower temperature has more than the line to the next one.
        (1.0, 1.0), (0.96, 2.0), (0.95, 2.25), (0.9, 3.5), (0.8, 4.0), (0.7, 4.0), (0.55, 4.625), (0.5, 5.0),
    ])
    func reads(accuracy: Double, distinct: Double) throws {
        let points: [AccuracyCurve.Point] = [(1.0, 1.0), (0.96, 2.0), (0.92, 3.0), (0.88, 4.0), (0.7, 3.5), (0.5, 5.0)]
        expectClose(try #require(AccuracyCurve.read(points, at: accuracy)), distinct, absolute: 1e-12)
    }

    @Test("what is never as accurate has no count, and what always is has its best")
    func ends() {
        let points: [AccuracyCurve.Point] = [(0.9, 2), (0.8, 3)]
        #expect(AccuracyCurve.read(points, at: 0.91) == nil && AccuracyCurve.read([], at: 0) == nil)
        #expect(AccuracyCurve.read(points, at: 0.5) == 3)
    }

    /// Of each problem, how many of four samples are right, all of them different, by temperature.
    private func curve(_ right: [Double: [Int]]) -> AccuracyCurve {
        var options = EvaluationOptions()
        options.resamples = 500
        let tallies = right.map { temperature, counts in
            var tally = TemperatureTally(options)
            for (problem, count) in counts.enumerated() {
                let samples = judged((0..<4).map { ("\($0)", $0 < count) })
                tally.add(samples.figures(options), of: problem, named: "\(problem)")
            }
            return (Temperature(temperature), tally)
        }
        return AccuracyCurve(Dictionary(uniqueKeysWithValues: tallies), distinct: .exact)
    }

    @Test("the interval is of the same resamples for all temperatures, and a method has as many as itself in each")
    func intervals() throws {
        let counts = [0.5: (0..<60).map { 3 + $0 % 2 }, 1.0: (0..<60).map { 1 + $0 % 3 }]
        let curve = curve(counts)
        let estimate = try #require(curve.distinct(atAccuracy: 0.8))
        // Accuracy 0.875 with 3.5, the more accurate of both, is the most.
        expectClose(estimate.value, 3.5, absolute: 1e-12)
        #expect(estimate.low < 3.5 && estimate.high > 3.5 && estimate.high - estimate.low < 0.5 && estimate.problems == 60)
        #expect(try #require(curve.ratio(to: curve, atAccuracy: 0.8)) == Estimate(value: 1, low: 1, high: 1, problems: 60))
        let half = self.curve([0.5: (0..<60).map { _ in 2 }])
        #expect(curve.ratio(to: half, atAccuracy: 0.8) == nil, "the other never is as accurate")
        expectClose(try #require(curve.ratio(to: half, atAccuracy: 0.5)).value, 3.5 / 2, absolute: 1e-12)
    }

    @Test("tables have what was asked for")
    func tables() {
        var set = Handmade.curve("ours", [(0.6, 0.95, 3), (1, 0.9, 4)])
        #expect(!EvaluationSummary.markdown([set]).contains("equal accuracy") && !set.table.contains("at accuracy"))
        set.all.atAccuracy = [0.9: [.distinct(.rougeL(0.7)): Handmade.estimate(4, 3.5, 4.5)], 0.99: [:]]
        let markdown = EvaluationSummary.markdown([set])
        #expect(markdown.contains("| Samples | accuracy ≥ 0.9: distinct 0.7 | accuracy ≥ 0.99: distinct 0.7 |"))
        #expect(markdown.contains("| ours | 4.00 [3.50, 4.50] | – |"))
        let latex = EvaluationSummary.latex([set])
        #expect(latex.contains("\\multicolumn{1}{c}{accuracy $\\ge 0.9$}") && latex.contains("ours & $4.00$ & -- \\\\"))
        set.difference = EvaluationSummary.Difference(name: "a_b", problems: 10, greedy: [:], temperatures: [:])
        set.all.ratiosAtAccuracy = [0.9: [.distinct(.rougeL(0.7)): Handmade.estimate(2.5, 2.25, 2.75)]]
        let ratios = EvaluationSummary.markdown([set]).split(separator: "in multiples of a\\_b: ")
        #expect(ratios.count == 2 && ratios[1].contains("| ours | 2.50 [2.25, 2.75] |"))
        #expect(EvaluationSummary.latex([set]).contains("in multiples of a\\_b") && set.table.contains("2.50 [2.25, 2.75]"))
        #expect(set.table.contains("distinct correct, at accuracy") && set.table.contains("4.00 [3.50, 4.50]"))

        var (short, long) = (set.all, Handmade.curve("ours", [(0.6, 0.9, 2)]).all)
        short.problems = 7
        long.problems = 3
        long.atAccuracy = [0.9: [.distinct(.rougeL(0.7)): Handmade.estimate(2, 1.5, 2.5)]]
        set.groups = ["steps": ["1": short, "2": long]]
        let parts = EvaluationSummary.markdown([set]).components(separatedBy: "**, by steps: ")
        #expect(parts.count == 4, "by temperature, at accuracies, in multiples")
        #expect(parts[1].contains("| steps (problems), samples | T = 0.6: accuracy |") && parts[1].contains("\n| 2 (3), ours | 90.0 "))
        #expect(parts[2].contains("| 1 (7), ours | 4.00 [3.50, 4.50] | – |\n| 2 (3), ours | 2.00 [1.50, 2.50] | – |"))
        #expect(parts[3].contains("| 1 (7), ours | 2.50 [2.25, 2.75] |\n") && !parts[3].contains("2 (3)"))
        #expect(EvaluationSummary.latex([set]).contains("}, by steps: 10 problems") && EvaluationSummary.latex([set]).contains("2 (3), ours & "))
    }
}
