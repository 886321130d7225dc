import Foundation
import Problems
import TestSupport
import Testing

@testable import Evaluation

@Suite("Figures of samples with process rewards")
struct ProcessRewardTests {
    /// Samples by answer (nil for none), whether it is right, and process reward.
    private func judged(_ samples: [(String?, Bool, Double?)]) -> JudgedSamples {
        JudgedSamples(
            samples.map { answer, isCorrect, reward in
                JudgedSamples.Sample(
                    text: answer ?? "none", verdict: Verdict(isCorrect ? .correct : .wrong, answer: answer), processReward: reward)
            })
    }

    /// Problems of 1 … 8 samples with few answers, of which "2" is right, and few rewards, so that there are many ties.
    private func problems() -> [[(String?, Bool, Double?)]] {
        (0..<200).map { problem in
            (0..<(problem % 8 + 1)).map { sample in
                let hash = UInt64(problem * 8 + sample + 1) &* 0x9E37_79B9_7F4A_7C15
                let mixed = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
                let answer = [nil, "1", "2", "3"][Int(mixed >> 40 & 3)]
                return (answer, answer == "2", Double(mixed >> 50 & 3) / 4)
            }
        }
    }

    @Test("the best of k and the weighted majority are those of a plain search")
    func plainTwin() throws {
        var outcomes = (best: [0, 0], majority: [0, 0])
        for samples in problems() {
            let figures = judged(samples).figures(EvaluationOptions())
            for k in 1...samples.count {
                var best = 0
                for index in 1..<k where samples[index].2 ?? 0 > samples[best].2 ?? 0 { best = index }
                #expect(figures.values[.bestOf(k)] == (samples[best].1 ? 1 : 0))
                var winner: (answer: String, weight: Double)?
                for answer in samples.prefix(k).compactMap({ $0.0 }) {
                    var weight = 0.0
                    for sample in samples.prefix(k) where sample.0 == answer { weight += sample.2 ?? 0 }
                    if winner.map({ weight > $0.weight }) ?? true { winner = (answer, weight) }
                }
                #expect(figures.values[.weightedMajority(k)] == (winner?.answer == "2" ? 1 : 0))
                outcomes.best[samples[best].1 ? 1 : 0] += 1
                outcomes.majority[winner?.answer == "2" ? 1 : 0] += 1
            }
            #expect(figures.values[.bestOf(samples.count + 1)] == nil)
        }
        #expect((outcomes.best + outcomes.majority).allSatisfy { $0 > 100 }, "\(outcomes)")
    }

    @Test("among equals the first counts; a sample without an answer may be the best and does not vote")
    func ties() {
        func values(_ samples: [(String?, Bool, Double?)]) -> [Double?] {
            let figures = judged(samples).figures(EvaluationOptions()).values
            return [figures[.bestOf(samples.count)], figures[.weightedMajority(samples.count)]]
        }
        #expect(values([("2", true, 0.5), ("1", false, 0.5)]) == [1, 1])
        #expect(values([("1", false, 0.5), ("2", true, 0.5)]) == [0, 0])
        #expect(values([(nil, false, 1), ("2", true, 0.25)]) == [0, 1])
        #expect(values([("1", false, 0.25), ("1", false, 0.25), ("2", true, 0.75)]) == [1, 1])
        #expect(values([("1", false, 0), ("2", true, 0)]) == [0, 0])
        #expect(values([(nil, false, 1)]) == [0, 0])
    }

    @Test("problems with a sample that has no process reward have neither figure")
    func partlyKnown() throws {
        let values = judged([("2", true, 0.5), ("1", false, nil)]).figures(EvaluationOptions()).values
        #expect(values[.bestOf(1)] == nil && values[.weightedMajority(1)] == nil && values[.majority(1)] == 1)
    }

    private func evaluation(_ problems: [JudgedSamples]) throws -> EvaluationSummary {
        EvaluationSummary(
            name: "ours", dataset: "sums", samplesPerProblem: 2, policyVersion: nil, adapterSHA256: nil,
            all: EvaluationSummary.Part(problems: problems.count, temperatures: [Temperature(1): try summary(of: problems)]))
    }

    @Test("they stand beside the majority in JSON and tables, with intervals and the number of problems that have them")
    func written() throws {
        let problems = [
            judged([("1", false, 0.25), ("2", true, 0.75)]), judged([("2", true, 0.5), ("1", false, 0.75)]),
            judged([("2", true, 0.5), ("2", true, 0.25)]), judged([("2", true, 0.5), ("1", false, nil)]),
        ]
        var evaluation = try evaluation(problems)
        let object = try #require(try JSONSerialization.jsonObject(with: try EvaluationSummary.json([evaluation])) as? [String: Any])
        let one = try #require((object["temperatures"] as? [String: [String: Any]])?["1.0"])
        for key in ["best_at", "weighted_maj_at"] {
            let values = try #require(one[key] as? [String: Any])
            expectClose(try number(values["1"]), 2 / 3.0)
            expectClose(try number(values["2"]), 2 / 3.0)
            #expect((values["2_interval"] as? [Double])?.count == 2 && values["2_problems"] as? Int == 3)
        }
        expectClose(try number((one["maj_at"] as? [String: Any])?["2"]), 0.75)
        let lines = evaluation.table.split(separator: "\n").map(String.init)
        let row = try #require(lines.firstIndex { $0.hasPrefix("maj@2 ") })
        #expect(lines[row + 1].hasPrefix("best@2 ") && lines[row + 1].contains(" 0.667 ["))
        #expect(lines[row + 2].hasPrefix("weighted maj@2 ") && lines[row + 2].contains(" 0.667 ["))
        #expect(lines[row + 3].hasPrefix("  of problems ") && lines[row + 3].hasSuffix(" 3"))
        evaluation.groups = ["level": ["1": evaluation.all]]
        let parts = evaluation.table.split(separator: "\n").suffix(2)
        let words = parts.map { $0.split(whereSeparator: { " []".contains($0) }).map(String.init) }
        #expect(Array(words[0].prefix(9)) == ["level", "problems", "accuracy", "pass@2", "maj@2", "best@2", "w.", "maj@2", "exact"])
        #expect(Array(words[1][5...8]) == ["1.000", "0.750", "0.667", "0.667"], "\(words[1])")
    }

    @Test("without process rewards nothing is said of them")
    func absent() throws {
        let evaluation = try evaluation([judged([("1", false, nil), ("2", true, nil)])])
        let json = String(decoding: try EvaluationSummary.json([evaluation]), as: UTF8.self)
        for text in [json, EvaluationSummary.table([evaluation, evaluation])] {
            #expect(!text.contains("best") && !text.contains("weighted") && !text.contains("w. maj"))
        }
    }
}
