import Learner
import TestSupport
import Testing

@Suite("Objectives agree with published values")
struct ObjectiveFixtureTests {
    @Test("modified sub-trajectory balance gives the published loss and gradients")
    func modifiedSubTrajectoryBalance() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("gflownet") {
            for item in fixtures.cases where item.kind == "subtb_modified" {
                let promptLength = Int(item.number("prompt_len") ?? 0)
                let termination = item.number("termination_token_id")
                let (tokens, stops) = (fixtures.rows(item.id, "log_pf"), fixtures.rows(item.id, "log_pterm"))
                let rewards = fixtures.rows(item.id, "log_r")
                let responses = fixtures.rows(item.id, "generated_ids").enumerated().map { row, ids in
                    let generated = ids.dropFirst(promptLength)
                    let length = generated.firstIndex { $0 == termination }.map { $0 - generated.startIndex } ?? generated.count
                    let last = min(length, generated.count - 1)
                    return ScoredResponse(
                        tokenLogProbabilities: Array(tokens[row].prefix(last)),
                        stopLogProbabilities: Array(stops[row].prefix(last + 1)), states: Array(0...last),
                        logRewards: Array(rewards[row].prefix(last + 1)))
                }
                let value = TokenSubTrajectoryBalance(lambda: item.number("lambda") ?? 1).evaluate(responses, root: nil)
                expectClose(value.loss, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9, item.id)
                for (row, slopes) in value.slopes.enumerated() {
                    func padded(_ values: [Double]) -> [Double] {
                        values + Array(repeating: 0, count: tokens[row].count - values.count)
                    }
                    expectClose(
                        padded(slopes.token), fixtures.rows(item.id, "grad.log_pf")[row], relative: 1e-9,
                        absolute: 1e-11, "\(item.id) log_pf")
                    expectClose(
                        padded(slopes.stop), fixtures.rows(item.id, "grad.log_pterm")[row], relative: 1e-9,
                        absolute: 1e-11, "\(item.id) log_pterm")
                    expectClose(
                        padded(slopes.stop.map { -$0 }), fixtures.rows(item.id, "grad.log_r")[row], relative: 1e-9,
                        absolute: 1e-11, "\(item.id) log_r")
                }
                ran += 1
            }
        }
        print("subtb_modified: \(ran) cases")
        #expect(ran >= 14)
    }

    /// Rows as whole responses: the tokens include ⊤, so e = 0, and the reference is part of the reward. A row's sums
    /// are divided by its length where the case says so, which scales the slopes of its tokens alike.
    private func wholeResponses(_ fixtures: LossFixtures, _ item: LossFixtures.Case) -> [(ScoredResponse, [Double])] {
        let (tokens, mask) = (fixtures.rows(item.id, "log_pf"), fixtures.rows(item.id, "mask"))
        let (rewards, reference) = (fixtures.vector(item.id, "log_r"), fixtures.rows(item.id, "ref_logps"))
        return tokens.indices.map { row in
            let length = mask[row].reduce(0, +)
            let scale = item.parameters["length_normalise"] as? Bool == true ? 1 / length : 1
            let factors = mask[row].map { $0 * scale }
            let referenceSum = reference.isEmpty ? 0 : zip(reference[row], factors).reduce(0) { $0 + $1.0 * $1.1 }
            let response = ScoredResponse(
                tokenLogProbabilities: zip(tokens[row], factors).map { $0 * $1 },
                stopLogProbabilities: Array(repeating: 0, count: tokens[row].count + 1), states: [tokens[row].count],
                logRewards: [(item.number("beta") ?? .nan) * rewards[row] + referenceSum], stopIsForced: true)
            return (response, factors)
        }
    }

    @Test("trajectory balance gives the published loss and gradients, with and without a reference")
    func trajectoryBalance() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("gflownet") {
            for item in fixtures.cases where item.kind == "tb" || item.kind == "tb_with_reference" {
                let rows = wholeResponses(fixtures, item)
                let roots = fixtures.vector(item.id, "log_z")
                var loss = 0.0, rootSlopes = Array(repeating: 0.0, count: roots.count)
                for (row, (response, factors)) in rows.enumerated() {
                    let rootIndex = roots.count == 1 ? 0 : row
                    let value = TrajectoryBalance().evaluate([response], root: roots[rootIndex])
                    loss += value.loss / Double(rows.count)
                    rootSlopes[rootIndex] += (value.rootSlope ?? .nan) / Double(rows.count)
                    expectClose(
                        zip(value.slopes[0].token, factors).map { $0 * $1 / Double(rows.count) },
                        fixtures.rows(item.id, "grad.log_pf")[row], relative: 1e-9, absolute: 1e-12, "\(item.id) log_pf")
                }
                expectClose(loss, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9, item.id)
                expectClose(rootSlopes, fixtures.vector(item.id, "grad.log_z"), relative: 1e-9, absolute: 1e-12, "\(item.id) log_z")
                if roots.count == 1 {
                    let together = TrajectoryBalance().evaluate(rows.map(\.0), root: roots[0])
                    expectClose(together.loss, loss, relative: 1e-12, "\(item.id) as one group")
                    expectClose(together.rootSlope ?? .nan, rootSlopes[0], relative: 1e-9, "\(item.id) as one group")
                }
                ran += 1
            }
        }
        print("tb, tb_with_reference: \(ran) cases")
        #expect(ran >= 8)
    }

    @Test("detailed balance gives the published loss and gradients of transitions and flows")
    func detailedBalance() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("gflownet") {
            for item in fixtures.cases where item.kind == "db" {
                let lengths = try #require(item.parameters["lengths"] as? [Int])
                let (tokens, flows) = (fixtures.rows(item.id, "log_pf"), fixtures.rows(item.id, "log_flow"))
                let rewards = fixtures.vector(item.id, "log_r")
                var loss = 0.0
                // Each row has a root of its own, the flow of its first state, so it is a group by itself.
                for (row, n) in lengths.enumerated() {
                    let response = ScoredResponse(
                        tokenLogProbabilities: Array(tokens[row].prefix(n)), stopLogProbabilities: Array(repeating: 0, count: n + 1),
                        states: Array(1...n), logRewards: Array(flows[row][1..<n]) + [rewards[row]])
                    let value = DetailedBalance().evaluate([response], root: flows[row][0])
                    let share = Double(n) / Double(lengths.reduce(0, +))
                    loss += share * value.loss
                    let slopes = value.slopes[0]
                    expectClose(
                        slopes.token.map { $0 * share }, Array(fixtures.rows(item.id, "grad.log_pf")[row].prefix(n)), relative: 1e-9,
                        absolute: 1e-11, "\(item.id) log_pf")
                    // log R takes the place of a flow, and counts against log π(⊤): the slopes differ in sign.
                    let flowSlopes = [value.rootSlope ?? .nan] + slopes.stop[1..<n].map { -$0 }
                    expectClose(
                        flowSlopes.map { $0 * share }, Array(fixtures.rows(item.id, "grad.log_flow")[row].prefix(n)), relative: 1e-9,
                        absolute: 1e-11, "\(item.id) log_flow")
                    expectClose(
                        -slopes.stop[n] * share, fixtures.vector(item.id, "grad.log_r")[row], relative: 1e-9, absolute: 1e-11,
                        "\(item.id) log_r")
                }
                expectClose(loss, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9, item.id)
                ran += 1
            }
        }
        print("db: \(ran) cases")
        #expect(ran >= 2)
    }

    @Test("VarGrad gives the published loss, gradients and log Z")
    func varianceGradient() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("gflownet") {
            for item in fixtures.cases where item.kind == "tb_vargrad" {
                let rows = wholeResponses(fixtures, item)
                let size = Int(item.number("group") ?? 1)
                let objective = ObjectiveKind.varianceGradient.defaults
                let groups = stride(from: 0, to: rows.count, by: size).map { Array(rows[$0..<$0 + size]) }
                let values = groups.map { objective.evaluate($0.map(\.0), root: nil) }
                expectClose(
                    values.map(\.loss).reduce(0, +) / Double(groups.count), (item.fields["loss"] as? Double) ?? .nan,
                    relative: 1e-9, item.id)
                expectClose(
                    values.map(\.residuals.logPartition), fixtures.vector(item.id, "out.log_z"), relative: 1e-9,
                    "\(item.id) log Z")
                for (g, group) in groups.enumerated() {
                    for (k, (_, factors)) in group.enumerated() {
                        expectClose(
                            zip(values[g].slopes[k].token, factors).map { $0 * $1 / Double(groups.count) },
                            fixtures.rows(item.id, "grad.log_pf")[g * size + k], relative: 1e-9, absolute: 1e-12,
                            "\(item.id) log_pf")
                    }
                }
                ran += 1
            }
        }
        print("tb_vargrad: \(ran) cases")
        #expect(ran >= 8)
    }

    @Test("FlowRL gives the published loss and gradients, with the importance weight clipped and as it is")
    func flowRL() throws {
        var ran = 0
        for fixtures in try LossFixtures.all("gflownet") {
            for item in fixtures.cases where item.kind == "flowrl" {
                let (tokens, mask) = (fixtures.rows(item.id, "log_pf"), fixtures.rows(item.id, "mask"))
                let (old, reference) = (fixtures.rows(item.id, "old_logps"), fixtures.rows(item.id, "ref_logps"))
                let (rewards, roots) = (fixtures.vector(item.id, "reward"), fixtures.vector(item.id, "log_z"))
                var objective = FlowReinforcementLearning()
                objective.beta = item.number("beta") ?? .nan
                objective.clip = item.number("clip")
                var loss = 0.0
                for row in tokens.indices {
                    let kept = mask[row].indices.filter { mask[row][$0] != 0 }
                    func masked(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
                    let n = kept.count
                    let response = ScoredResponse(
                        tokenLogProbabilities: masked(tokens[row]), stopLogProbabilities: Array(repeating: 0, count: n + 1), states: [n],
                        logRewards: [0], stopIsForced: true,
                        sample: SampledResponse(
                            behaviour: masked(old[row]), reference: masked(reference[row]), rewards: Array(repeating: 0, count: n),
                            reward: 0, isCorrect: false),
                        credit: Credit(advantages: [rewards[row]]))
                    let value = objective.evaluate([response], root: roots[row])
                    let share = 1 / Double(tokens.count)
                    loss += share * value.loss
                    expectClose(
                        value.slopes[0].token.map { $0 * share }, masked(fixtures.rows(item.id, "grad.log_pf")[row]), relative: 1e-9,
                        absolute: 1e-12, "\(item.id) log_pf")
                    expectClose(
                        (value.rootSlope ?? .nan) * share, fixtures.vector(item.id, "grad.log_z")[row], relative: 1e-9, absolute: 1e-12,
                        "\(item.id) log_z")
                }
                expectClose(loss, (item.fields["loss"] as? Double) ?? .nan, relative: 1e-9, item.id)
                ran += 1
            }
        }
        print("flowrl: \(ran) cases")
        #expect(ran >= 2)
    }
}
