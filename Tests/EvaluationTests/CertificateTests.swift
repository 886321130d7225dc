import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("Certificate of proportionality")
struct CertificateTests {
    private static let bad = HandmadeEnds.problem(" 37 84:", rewards: [1, 2, 3, 4], policy: [0.25, 0.25, 0.25, 0.25], correct: 2)

    @Test("a bound holds at its value and not just below it")
    func edges() {
        let scores = HandmadeEnds.problem(rewards: [1, 1], policy: [0.4, 0.6], learned: log(2.0) - 0.25)
        let figures = ProportionalityFigures(scores)
        let (distance, gap) = (figures.totalVariation, figures.impliedLogPartitionGap)
        #expect(distance > 0.09 && gap > 0.02 && gap < 0.03)
        var implied = scores
        implied.learnedLogPartition = nil
        func misses(_ scores: EndScores, _ distance: Double, _ gap: Double) -> [ProportionalityFigure] {
            let bounds = CertificateBounds(totalVariation: distance, logPartition: gap)
            let certificate = HandmadeEnds.certificate([scores], bounds: bounds)
            #expect(certificate.holds == certificate.misses.isEmpty)
            return certificate.missedFigures.map(\.figure)
        }
        #expect(misses(implied, distance, gap).isEmpty)
        #expect(misses(implied, distance.nextDown, gap) == [.totalVariation])
        #expect(misses(implied, distance, gap.nextDown) == [.impliedGap])
        // A learned log Z that is too low counts by its size, and does not excuse the implied one.
        let size = abs(scores.learnedLogPartition.map { $0 - figures.logPartition } ?? 0)
        #expect(misses(scores, distance, size).isEmpty)
        #expect(misses(scores, distance, size.nextDown) == [.learnedGap])
        #expect(misses(scores, distance, gap.nextDown) == [.learnedGap, .impliedGap])
    }

    @Test("the default bounds are 0.02 each")
    func defaults() {
        #expect(CertificateBounds() == CertificateBounds(totalVariation: 0.02, logPartition: 0.02))
        #expect(HandmadeEnds.certificate([HandmadeEnds.proportional(mass: 0.981)]).holds)
        #expect(!HandmadeEnds.certificate([HandmadeEnds.proportional(mass: 0.979)]).holds)
        let learned = HandmadeEnds.certificate([HandmadeEnds.proportional(learned: log(10.0) + 0.021)])
        #expect(learned.missedFigures.map(\.figure) == [.learnedGap])
    }

    @Test("what is not a number, or infinite, fails whatever the bound, on any problem", arguments: [0, 1, 2])
    func undefined(place: Int) {
        let bounds = CertificateBounds(totalVariation: 1e300, logPartition: 1e300)
        let good = (0..<3).map { HandmadeEnds.proportional("p\($0)") }
        var (nan, silent, learned) = (good, good, good)
        nan[place].ends[1].logPolicy = .nan
        silent[place].ends[1].logPolicy = -.infinity
        learned[place].learnedLogPartition = .nan
        #expect(
            HandmadeEnds.certificate(nan, bounds: bounds).misses == [
                "total variation is nan, bound 1e+300 (problem \"p\(place)\")",
                "implied log Z gap is nan, bound 1e+300 (problem \"p\(place)\")",
            ])
        #expect(
            HandmadeEnds.certificate(silent, bounds: bounds).misses == ["implied log Z gap is inf, bound 1e+300 (problem \"p\(place)\")"])
        #expect(
            HandmadeEnds.certificate(learned, bounds: bounds).misses == ["learned log Z gap is nan, bound 1e+300 (problem \"p\(place)\")"])
        #expect(HandmadeEnds.certificate(good, bounds: bounds).holds)
        #expect(!HandmadeEnds.certificate(good, bounds: CertificateBounds(totalVariation: .nan)).holds)
    }

    @Test("the verdict is on the worst problem, which a sentence names; means are over all that have a figure")
    func worst() throws {
        let problems = [HandmadeEnds.proportional(" 1 1:", learned: log(10.0)), Self.bad, HandmadeEnds.proportional(" 5\n2:")]
        let certificate = HandmadeEnds.certificate(problems)
        #expect(!certificate.holds && certificate.ends == 12)
        #expect(
            certificate.misses == [
                "total variation is 0.200, bound 0.02 (problem \" 37 84:\")",
                "implied log Z gap is 0.106, bound 0.02 (problem \" 37 84:\")",
            ])
        func spread(_ figure: ProportionalityFigure) throws -> ProportionalityFigure.Spread {
            try #require(figure.spread(over: certificate.figures))
        }
        let distance = try spread(.totalVariation)
        expectClose([distance.worst, distance.mean], [0.2, 0.2 / 3], relative: 1e-12)
        #expect(distance.worstProblem == 1)
        let slope = try spread(.slope)
        expectClose([slope.worst, slope.mean], [0, 2.0 / 3], relative: 1e-12, absolute: 1e-14)
        let intercept = try spread(.intercept)
        expectClose([intercept.worst, intercept.mean], [log(0.25), (log(0.25) - 2 * log(10.0)) / 3], relative: 1e-12)
        // The least mass is the worst; one problem has no correlation, and one alone a learned log Z.
        expectClose([try spread(.correctMass).worst, try spread(.correlation).mean], [0.4, 1], relative: 1e-12)
        #expect(try spread(.learnedGap).worstProblem == 0)
    }

    @Test("gaps of both signs do not cancel in their mean")
    func signs() throws {
        let problems = [-0.3, 0.1].map { HandmadeEnds.proportional(learned: log(10.0) + $0) }
        let spread = try #require(ProportionalityFigure.learnedGap.spread(over: problems.map(ProportionalityFigures.init)))
        expectClose([spread.worst, spread.mean], [0.3, 0.2], relative: 1e-12)
    }

    @Test("a value just above a bound is written with the digits that show it")
    func digits() {
        let certificate = HandmadeEnds.certificate(
            [HandmadeEnds.proportional(mass: 0.97999)], bounds: CertificateBounds(totalVariation: 0.02, logPartition: 1))
        #expect(certificate.misses == ["total variation is 0.02001, bound 0.02 (problem \" 37 84:\")"])
    }
}
