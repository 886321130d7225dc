import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("The certificate as text and as JSON")
struct CertificateReportTests {
    private static let bad = HandmadeEnds.problem(
        " 37 84:", rewards: [1, 2, 3, 4], policy: [0.25, 0.25, 0.25, 0.25], correct: 2, learned: 2.25)
    private static let silent = HandmadeEnds.problem(" 5 2:", rewards: [1, 1, 2], policy: [0, 0.5, 0.5])

    @Test("one problem: a value per figure, log Z, and the verdict")
    func onePlain() {
        let text = HandmadeEnds.certificate([HandmadeEnds.proportional()]).text
        #expect(
            text == """
                task       sums
                objective  subtb, lag 4, 400 steps
                start      random, full parameters
                problem    " 37 84:", 4 ends

                figure                    bound    value
                ────────────────────────────────────────
                total variation            0.02   0.0000
                mass outside of the ends          0.0000
                KL(R/Z ‖ π)                       0.0000
                KL(π ‖ R/Z)                       0.0000
                implied log Z gap          0.02   0.0000
                correct mass of π                 0.4000
                correct mass of R/Z               0.4000
                slope of log π in log R           1.0000
                intercept                        -2.3026
                correlation                       1.0000
                log Z                             2.3026
                log Z, implied by π               2.3026

                PROPORTIONAL: total variation and log Z are within their bounds
                """)
    }

    @Test("several problems: the worst and the mean, what was missed, and the verdict")
    func several() {
        let text = HandmadeEnds.certificate([Self.bad, Self.silent]).text
        #expect(
            text == """
                task       sums
                objective  subtb, lag 4, 400 steps
                start      random, full parameters
                problems   2, 7 ends

                figure                    bound    worst     mean
                ─────────────────────────────────────────────────
                total variation            0.02   0.2500   0.2250
                mass outside of the ends          0.0000   0.0000
                KL(R/Z ‖ π)                          inf      inf
                KL(π ‖ R/Z)                       0.3466   0.2342
                learned log Z gap          0.02   0.0526   0.0526
                implied log Z gap          0.02      inf      inf
                correct mass of π                 0.5000   0.5000
                correct mass of R/Z               0.5000   0.6000
                slope of log π in log R           0.0000   0.0000
                intercept                        -1.3863  -1.0397
                correlation                            -        -

                missed: total variation is 0.250, bound 0.02 (problem " 5 2:")
                missed: learned log Z gap is 0.053, bound 0.02 (problem " 37 84:")
                missed: implied log Z gap is inf, bound 0.02 (problem " 5 2:")
                NOT PROPORTIONAL: total variation, learned log Z gap and implied log Z gap are beyond their bounds
                """)
    }

    @Test("no line is wider than 99 columns, whatever the names and the values")
    func width() {
        let long = String(repeating: "数<&\n", count: 60)
        var problems = [Self.bad, Self.silent]
        for index in problems.indices {
            problems[index].name = long
            problems[index].learnedLogPartition = -1e300
        }
        for count in 1...2 {
            let certificate = Certificate(
                task: long, objective: long, start: long, lag: 1000, steps: 1_000_000, problems: Array(problems.suffix(count)),
                bounds: CertificateBounds(totalVariation: 0.012345678901234567, logPartition: 0.012345678901234567))
            let lines = certificate.text.split(separator: "\n")
            #expect(lines.allSatisfy { String($0).columns < 100 }, "\(certificate.text)")
            #expect(certificate.misses.count == 3 && lines.last?.hasPrefix("NOT PROPORTIONAL: total variation, ") == true)
        }
    }

    private func object(_ certificate: Certificate, pretty: Bool = false) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: certificate.json(pretty: pretty)) as? [String: Any])
    }

    @Test("JSON has the keys that scripts rely on, pretty or not")
    func keys() throws {
        let certificate = HandmadeEnds.certificate([Self.bad, HandmadeEnds.proportional()])
        let object = try object(certificate)
        #expect(
            Set(object.keys) == [
                "task", "objective", "start", "lag", "steps", "ends", "bounds", "figures", "problems", "verdict", "misses",
            ])
        #expect(object["task"] as? String == "sums" && object["objective"] as? String == "subtb")
        #expect(object["start"] as? String == "random, full parameters")
        #expect(object["lag"] as? Int == 4 && object["steps"] as? Int == 400 && object["ends"] as? Int == 8)
        #expect(object["bounds"] as? [String: Double] == ["total_variation": 0.02, "log_partition": 0.02])
        #expect(object["verdict"] as? Bool == false && object["misses"] as? [String] == certificate.misses)
        let compared: Set = [
            "total_variation", "outside_mass", "kl_target_policy", "kl_policy_target", "learned_log_partition_gap",
            "implied_log_partition_gap", "correct_mass", "target_correct_mass", "slope", "intercept", "correlation",
        ]
        let figures = try #require(object["figures"] as? [String: Any])
        #expect(Set(figures.keys) == compared.union(["log_partition"]))
        let distance = try #require(figures["total_variation"] as? [String: Double])
        expectClose([try #require(distance["worst"]), try #require(distance["mean"])], [0.2, 0.1], relative: 1e-12)
        #expect(distance.count == 2)
        expectClose(try #require(figures["log_partition"] as? [Double]), [log(10.0), log(10.0)], relative: 1e-12)
        let problems = try #require(object["problems"] as? [[String: Any]])
        let members = compared.union(["name", "ends", "log_partition", "implied_log_partition", "learned_log_partition"])
        #expect(problems.count == 2 && problems.allSatisfy { Set($0.keys) == members })
        #expect(problems[0]["name"] as? String == " 37 84:" && problems[0]["ends"] as? Int == 4)
        expectClose(try #require(problems[0]["learned_log_partition_gap"] as? Double), 2.25 - log(10.0), relative: 1e-12)
        #expect(problems[1]["learned_log_partition"] is NSNull && problems[0]["correlation"] is NSNull)
        #expect(try self.object(certificate, pretty: true) as NSDictionary == object as NSDictionary)
        #expect(try certificate.json() == certificate.json())
        #expect(try self.object(HandmadeEnds.certificate([HandmadeEnds.proportional()]))["verdict"] as? Bool == true)
    }

    @Test("what is infinite, not a number, or not there is null")
    func nulls() throws {
        let certificate = Certificate(
            task: "t", objective: "sft", start: "s", lag: nil, steps: nil,
            problems: [Self.silent, HandmadeEnds.problem(rewards: [1, 1], policy: [0, 0])])
        let object = try object(certificate)
        #expect(object["lag"] is NSNull && object["steps"] is NSNull && object["verdict"] as? Bool == false)
        let figures = try #require(object["figures"] as? [String: Any])
        for key in ["kl_target_policy", "kl_policy_target", "implied_log_partition_gap", "learned_log_partition_gap"] {
            let spread = try #require(figures[key] as? [String: Any])
            #expect(spread["worst"] is NSNull && spread["mean"] is NSNull, "\(key)")
        }
        let problem = try #require((object["problems"] as? [[String: Any]])?.last)
        #expect(problem["implied_log_partition"] is NSNull && problem["slope"] is NSNull && problem["total_variation"] as? Double == 1)
    }
}
