import Foundation
import Problems
import Testing

@testable import Evaluation

@Suite("The table of an evaluation")
struct EvaluationTableTests {
    private let greedy = TemperatureSummary(
        problems: 10, figures: [.accuracy: Handmade.estimate(0.6, 0.3, 0.9)], verdicts: [.correct: 0.6, .wrong: 0.4], examples: [:],
        inexactProblems: 0)
    private let warm = Handmade.temperature(
        accuracy: Handmade.estimate(0.55, 0.4, 0.7), distinct: Handmade.estimate(1.5, 1.25, 1.75),
        more: [
            .pass(1): Handmade.estimate(0.55, 0.4, 0.7), .pass(2): Handmade.estimate(0.7, 0.5, 0.9),
            .pass(3): Handmade.estimate(0.75, 0.6, 0.9), .pass(4): Handmade.estimate(0.8, 0.6, 1),
            .majority(3): Handmade.estimate(0.1, 0, 0.2), .majority(4): Handmade.estimate(0.65, 0.4, 0.8),
            .distinct(.exact): Handmade.estimate(2, 1.5, 2.5), .distinctNGrams(1): Handmade.estimate(0.25, 0.2, 0.3, of: 8),
            .selfBLEU: Handmade.estimate(0.5, 0.4, 0.6, of: 7), .embeddingDistance: Handmade.estimate(0.125, 0.1, 0.15, of: 7),
            .words: Handmade.estimate(12.34, 10, 15),
        ],
        verdicts: [.correct: 0.55, .wrong: 0.4, .noGold: 0.05],
        examples: [
            .correct: Example(problem: "p1", text: "\n  \n2 + 2 = 4\nso 4"), .wrong: Example(problem: "p2", text: "\u{1B}[31m5\t!"),
        ], inexact: 2)

    private func evaluation() -> EvaluationSummary {
        var evaluation = Handmade.set("ours", [1: warm], greedy: greedy)
        evaluation.policyVersion = 40
        evaluation.problemsWithoutSamples = 3
        evaluation.groups = ["level": ["10": evaluation.all, "9": evaluation.all]]
        evaluation.difference = EvaluationSummary.Difference(
            name: "base", problems: 9, greedy: [.accuracy: Handmade.estimate(0.1, -0.1, 0.3)],
            temperatures: [
                Temperature(1): [
                    .accuracy: Handmade.estimate(-0.05, -0.1, 0), .pass(4): Handmade.estimate(0, -0.0001, 0.1),
                    .distinct(.rougeL(0.7)): Handmade.estimate(0.5, 0.25, 0.75),
                ]
            ])
        return evaluation
    }

    @Test("all that is known has its row, with its interval, and what is not known has none")
    func whole() {
        let expected = """
            ours on sums: 10 problems, 4 samples each, policy version 40, 3 problems without samples
            greedy: accuracy 0.600 [0.300, 0.900]
            mean [95 % interval]        temperature 1.0
            accuracy               0.550 [0.400, 0.700]
            pass@1                 0.550 [0.400, 0.700]
            pass@2                 0.700 [0.500, 0.900]
            pass@4                 0.800 [0.600, 1.000]
            maj@4                  0.650 [0.400, 0.800]
            distinct, exact           2.00 [1.50, 2.50]
            distinct, ROUGE-L 0.7     1.50 [1.25, 1.75]
            distinct-1             0.250 [0.200, 0.300]
              of problems                             8
            self-BLEU              0.500 [0.400, 0.600]
            embedding distance     0.125 [0.100, 0.150]
              of problems                             7
            length, words             12.3 [10.0, 15.0]
            distinct: correct solutions per problem that differ; distinct-n: the share of their n-grams that are unique
            distinct solutions by ROUGE-L at temperature 1.0 are lower bounds for 2 of 10 problems

            verdicts  greedy     1.0
            correct   60.0 %  55.0 %
            wrong     40.0 %  40.0 %
            no gold    0.0 %   5.0 %
            e.g. correct, p1: 2 + 2 = 4
            e.g. wrong, p2: [31m5 !

            by level, at temperature 1.0
            level  problems              accuracy  pass@4  maj@4  exact  R-L 0.7
            9            10  0.550 [0.400, 0.700]   0.800  0.650   2.00     1.50
            10           10  0.550 [0.400, 0.700]   0.800  0.650   2.00     1.50

            difference from base on 9 problems; *: the interval excludes 0
            greedy: accuracy +0.100 [-0.100, +0.300]
            mean [95 % interval]          temperature 1.0
            accuracy               -0.050 [-0.100, 0.000]
            pass@4                  0.000 [0.000, +0.100]
            distinct, ROUGE-L 0.7    +0.50 [+0.25, +0.75] *
            """
        #expect(evaluation().table == expected)
    }

    @Test("several sets on one data set are compared first, line by line; then each has its own table")
    func comparison() {
        var other = Handmade.set("a name that is much too long for the column it is in", [nil: warm])
        other.groups = [:]
        let ours = Handmade.set("ours", [1: warm], greedy: greedy)
        let table = EvaluationSummary.table([ours, Handmade.set("alone", on: "roots", [1: warm]), other])
        let expected = """
            sums: distinct correct solutions as text (exact) and by ROUGE-L (R-L)
            set                            temp.              accuracy  pass@4  maj@4  exact  R-L 0.7
            ours                          greedy  0.600 [0.300, 0.900]       -      -      -        -
            ours                             1.0  0.550 [0.400, 0.700]   0.800  0.650   2.00     1.50
            a name that is much too lo…  unknown  0.550 [0.400, 0.700]   0.800  0.650   2.00     1.50

            ours on sums: 10 problems, 4 samples each
            """
        #expect(table.hasPrefix(expected), "\(table)")
        #expect(table.contains("\n\nalone on roots: ") && !table.contains("\nroots: "))
    }

    @Test("no line is wider than 110 columns, also with many temperatures, long names and texts, and wide letters")
    func width() {
        let long = String(repeating: "数 abc ", count: 60)
        var evaluation = Handmade.set(long, on: long, [0.2: warm, 0.4: warm, 0.6: warm, 0.8: warm, 1: warm, nil: warm])
        evaluation.all.temperatures[Temperature(1)]?.examples = [.correct: Example(problem: long, text: long)]
        evaluation.groups = [long: [long: evaluation.all, "b": evaluation.all]]
        evaluation.difference = EvaluationSummary.Difference(
            name: long, problems: 9, greedy: [:], temperatures: evaluation.all.temperatures.mapValues(\.figures))
        let lines = EvaluationSummary.table([evaluation, evaluation]).split(separator: "\n")
        #expect(lines.allSatisfy { String($0).columns <= 110 }, "\(lines.max { String($0).columns < String($1).columns } ?? "")")
        // Six temperatures are in two blocks of at most four.
        #expect(lines.contains { $0.contains("temperature 0.2") && $0.contains("temperature 0.8") && !$0.contains("temperature 1.0") })
    }

    @Test("exact distances have rows of their own")
    func exact() {
        var evaluation = Handmade.set("ours", [1: warm])
        let distance = ExactDistance(logPolicy: [log(0.5), log(0.25)], logReward: [0, 0])
        evaluation.exact = ExactSummary([distance, distance])
        let rows = ["correct mass              0.750 [0.750, 0.750]", "total variation           0.250 [0.250, 0.250]"]
        #expect(evaluation.table.contains("\n\(rows.joined(separator: "\n"))\n"))
    }

    @Test("of one problem there is no interval")
    func single() {
        #expect(Estimate(value: 0.5, low: 0.5, high: 0.5, problems: 1).text(2) == "0.50")
        #expect(Estimate(value: 0.5, low: 0.5, high: 0.5, problems: 2).text(2, signed: true) == "+0.50 [+0.50, +0.50]")
    }

    @Test("a set without any samples has a heading")
    func empty() { #expect(Handmade.set(nil, [:]).table == "sums: 10 problems, 4 samples each") }

    @Test("letters of Chinese and Japanese take two columns, and what is cut ends in …")
    func columns() {
        #expect("数a".columns == 3 && "数a".padded(to: 5) == "数a  " && "数a".paddedLeft(to: 4) == " 数a")
        #expect("abcdef".cut(to: 4) == "abc…" && "abcd".cut(to: 4) == "abcd" && "数数数".cut(to: 4) == "数…")
        #expect("a\n\u{1B}b\u{7}".singleLine == "a b")
    }

    @Test("a number has its digits, and zero no sign")
    func numbers() {
        #expect(fixed(-0.0004, 3) == "0.000" && fixed(-0.0005001, 3) == "-0.001" && fixed(2, 0) == "2" && fixed(.infinity, 2) == "inf")
        #expect(CompactTable.sortedValues(["10", "9", "1.5"]) == ["1.5", "9", "10"])
        #expect(CompactTable.sortedValues(["10", "9", "b"]) == ["10", "9", "b"])
    }
}
