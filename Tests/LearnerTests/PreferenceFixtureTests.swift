import Learner
import TestSupport
import Testing

@Suite("Preference losses agree with published values")
struct PreferenceFixtureTests {
    @Test("DPO, its smoothed and robust forms, hinge and IPO give the published losses, gradients, rewards and accuracy")
    func pairs() throws {
        var ran: [String: Int] = [:]
        for fixtures in try LossFixtures.all("preference") {
            for item in fixtures.cases where item.kind.isEmpty {
                let name = try #require(item.parameters["loss_type"] as? String)
                let loss = PreferenceLoss(
                    try #require(PreferenceLoss.Kind(rawValue: name)), beta: item.number("beta") ?? .nan,
                    labelSmoothing: item.number("label_smoothing") ?? 0)
                #expect(loss.problems().isEmpty)
                /// Σ (log π − log π_ref) and the number of actions of each response.
                func side(_ name: String) -> [(sum: Double, length: Int)] {
                    let (policy, reference) = (fixtures.rows(item.id, "policy_\(name)"), fixtures.rows(item.id, "ref_\(name)"))
                    return fixtures.rows(item.id, "\(name)_mask").enumerated().map { row, mask in
                        let n = Int(mask.reduce(0, +))
                        return ((0..<n).reduce(0.0) { $0 + (policy[row][$1] - reference[row][$1]) }, n)
                    }
                }
                let values = zip(side("chosen"), side("rejected")).map { chosen, rejected in
                    loss.loss(
                        PreferencePair(
                            chosen: chosen.sum, rejected: rejected.sum, chosenLength: chosen.length, rejectedLength: rejected.length))
                }
                let share = 1 / Double(values.count)
                func expect(_ actual: [Double], _ name: String) {
                    expectClose(actual, fixtures.vector(item.id, name), relative: 1e-9, absolute: 1e-12, "\(item.id) \(name)")
                }
                expectClose(
                    share * values.reduce(0) { $0 + $1.loss }, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9,
                    absolute: 1e-12, item.id)
                expect(values.map(\.loss), "out.per_pair_loss")
                expect(values.map(\.chosenReward), "out.reward_chosen")
                expect(values.map(\.rejectedReward), "out.reward_rejected")
                expect([share * Double(values.count { $0.chosenWins })], "out.reward_accuracy")
                for (name, slopes) in [("chosen", values.map(\.chosenSlope)), ("rejected", values.map(\.rejectedSlope))] {
                    let masks = fixtures.rows(item.id, "\(name)_mask")
                    expect(zip(slopes, masks).flatMap { slope, mask in mask.map { share * slope * $0 } }, "grad.policy_\(name)")
                }
                ran[name, default: 0] += 1
            }
        }
        print("preference: \(ran.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }.joined(separator: ", "))")
        #expect(ran.values.reduce(0, +) >= 16 && PreferenceLoss.Kind.allCases.allSatisfy { ran[$0.rawValue, default: 0] >= 2 })
    }

    @Test("the log-sigmoid gives the published Bradley-Terry losses and gradients of scores")
    func bradleyTerry() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("preference") {
            for item in fixtures.cases where item.kind == "bradley_terry" {
                let (chosen, rejected) = (fixtures.vector(item.id, "chosen"), fixtures.vector(item.id, "rejected"))
                let margins = fixtures.vector(item.id, "margin")
                let x = chosen.indices.map { chosen[$0] - rejected[$0] - (margins.isEmpty ? 0 : margins[$0]) }
                let share = 1 / Double(x.count)
                expectClose(
                    -share * x.reduce(0) { $0 + Logistic.logSigmoid($1) }, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9,
                    absolute: 1e-12, item.id)
                let slopes = x.map { -share * Logistic.sigmoid(-$0) }
                expectClose(slopes, fixtures.vector(item.id, "grad.chosen"), relative: 1e-9, absolute: 1e-12, "\(item.id) chosen")
                expectClose(
                    slopes.map { -$0 }, fixtures.vector(item.id, "grad.rejected"), relative: 1e-9, absolute: 1e-12,
                    "\(item.id) rejected")
                ran += 1
            }
        }
        print("bradley_terry: \(ran) cases")
        #expect(ran >= 5)
    }
}
