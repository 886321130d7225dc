import Foundation
import Learner
import Tensor
import TestSupport
import Testing

/// A group of random responses; states are a random subset that contains the end.
func randomResponses(_ count: Int, lengths: ClosedRange<Int> = 1...7, seed: UInt64, rootMayEnd: Bool = false) -> [ScoredResponse] {
    var random = RandomStream(seed: seed, purpose: .task)
    func number(_ low: Double, _ high: Double) -> Double { low + (high - low) * Double(random.uniform()) }
    return (0..<count).map { _ in
        let n = lengths.lowerBound + Int(random.next() % UInt64(lengths.count))
        let states = ((rootMayEnd ? 0 : 1)..<max(n, 1)).filter { _ in random.uniform() < 0.6 } + [n]
        return ScoredResponse(
            tokenLogProbabilities: (0..<n).map { _ in number(-4, -0.1) },
            stopLogProbabilities: (0...n).map { _ in number(-6, -0.1) }, states: Array(Set(states)).sorted(),
            logRewards: Array(Set(states)).map { _ in number(-9, 0.5) })
    }
}

/// The balance objectives: functions of the residuals H alone, with settings that are not their defaults.
private let balances: [(String, any Objective)] = [
    ("subtb", SubTrajectoryBalance(lambda: 0.8)), ("subtb, rooted pairs", SubTrajectoryBalance(lambda: 0.8, pairs: .rooted)),
    ("subtb, Huber", SubTrajectoryBalance(lambda: 0.8, huber: 1.5)),
    ("subtb, rooted pairs, Huber", SubTrajectoryBalance(lambda: 0.8, pairs: .rooted, huber: 1.5)),
    ("subtb-unrooted, Huber", SubTrajectoryBalance(lambda: 0.8, huber: 1.5, isRooted: false)),
    ("subtb-pooled", PooledSubTrajectoryBalance(finalWeight: 1.5, intermediateWeight: 0.7)),
    ("subtb-token", TokenSubTrajectoryBalance(lambda: 0.8)), ("subtb-unrooted", SubTrajectoryBalance(lambda: 0.8, isRooted: false)),
    ("vargrad", ObjectiveKind.varianceGradient.defaults), ("ctb", ContrastiveTrajectoryBalance(noise: 0.75)),
    ("tb", TrajectoryBalance()), ("db", DetailedBalance()),
]
private let balanceIndices = Array(balances.indices)

private func root(for objective: any Objective) -> Double? { objective.needs.root ? 1.7 : nil }

@Suite("Objectives") struct ObjectiveTests {
    @Test("slopes are the central differences of the loss", arguments: balanceIndices, [1, 2, 5])
    func slopesAreDerivatives(index: Int, count: Int) {
        let objective = balances[index].1
        let root = root(for: objective)
        let responses = randomResponses(count, seed: 11, rootMayEnd: true)
        let value = objective.evaluate(responses, root: root)
        let step = 1e-5
        func slope(_ change: (inout [ScoredResponse], Double) -> Void) -> Double {
            var (above, below) = (responses, responses)
            change(&above, step)
            change(&below, -step)
            return (objective.evaluate(above, root: root).loss - objective.evaluate(below, root: root).loss) / (2 * step)
        }
        for k in responses.indices {
            expectClose(
                value.slopes[k].token,
                responses[k].tokenLogProbabilities.indices.map { t in slope { $0[k].tokenLogProbabilities[t] += $1 } },
                relative: 1e-6, absolute: 1e-7)
            expectClose(
                value.slopes[k].stop,
                responses[k].stopLogProbabilities.indices.map { t in slope { $0[k].stopLogProbabilities[t] += $1 } },
                relative: 1e-6, absolute: 1e-7)
        }
        if let root {
            let difference = objective.evaluate(responses, root: root + step).loss - objective.evaluate(responses, root: root - step).loss
            expectClose(value.rootSlope ?? .nan, difference / (2 * step), relative: 1e-6, absolute: 1e-7)
        } else {
            #expect(value.rootSlope == nil)
        }
    }

    @Test("the sum over pairs is the double loop, for every λ", arguments: [0, 0.5, 0.9, 1, 1.3])
    func recursionsAreTheDoubleLoop(lambda: Double) {
        for (tokenwise, seed) in [(false, UInt64(3)), (true, 4)] {
            let responses = randomResponses(3, lengths: 1...12, seed: seed, rootMayEnd: true)
            var numerators: [Double] = [], weights: [Double] = []
            for response in responses {
                var numerator = 0.0, weight = 0.0
                let residuals = (tokenwise ? [] : [-2.5]) + response.residuals()
                for j in residuals.indices {
                    for i in 0..<j {
                        let distance = tokenwise ? response.states[j] - response.states[i] : j - i
                        let w = (1..<distance).reduce(1.0) { product, _ in product * lambda }
                        numerator += w * (residuals[j] - residuals[i]) * (residuals[j] - residuals[i])
                        weight += w
                    }
                }
                numerators.append(numerator)
                weights.append(weight)
            }
            let expected = tokenwise
                ? numerators.reduce(0, +) / weights.reduce(0, +)
                : zip(numerators, weights).map { $0 / $1 }.reduce(0, +) / Double(responses.count)
            let actual = tokenwise
                ? TokenSubTrajectoryBalance(lambda: lambda).evaluate(responses, root: nil).loss
                : SubTrajectoryBalance(lambda: lambda, isRooted: true).evaluate(responses, root: 2.5).loss
            expectClose(actual, expected, relative: 1e-11)
        }
    }

    @Test("slopes in all residuals and the root cancel: only differences count", arguments: balanceIndices)
    func residualSlopesCancel(index: Int) {
        let objective = balances[index].1
        let responses = randomResponses(4, seed: 21)
        let value = objective.evaluate(responses, root: root(for: objective))
        // A slope in H_i is the slope in e_i.
        let residualSlopes = value.slopes.flatMap(\.stop)
        let total = residualSlopes.reduce(0, +) - (value.rootSlope ?? 0)
        #expect(abs(total) < 1e-12 * residualSlopes.reduce(0) { $0 + abs($1) } + 1e-300)
    }

    @Test("rewards + c move log Z by c, and neither loss nor slopes", arguments: balanceIndices)
    func shiftOfRewards(index: Int) {
        let objective = balances[index].1
        let responses = randomResponses(4, seed: 31)
        let shifted = responses.map { response in
            var response = response
            response.logRewards = response.logRewards.map { $0 + 3.25 }
            return response
        }
        let root = root(for: objective)
        let (before, after) = (objective.evaluate(responses, root: root), objective.evaluate(shifted, root: root.map { $0 + 3.25 }))
        expectClose(after.loss, before.loss, relative: 1e-11)
        expectClose(after.residuals.logPartition, before.residuals.logPartition + 3.25, relative: 1e-12)
        for (a, b) in zip(after.slopes, before.slopes) {
            expectClose(a.token + a.stop, b.token + b.stop, relative: 1e-9, absolute: 1e-12)
        }
    }

    @Test("where π(y⊤|x) = R(x, y⊤)/Z for every terminable state, loss and slopes are zero", arguments: balanceIndices)
    func zeroAtTheTarget(index: Int) {
        let objective = balances[index].1
        let logZ = -2.25
        let responses = randomResponses(3, seed: 41).map { response in
            var response = response
            // H_i with no reward is log π(y_1…y_i ⊤).
            response.logRewards = response.logRewards.map { _ in 0 }
            response.logRewards = response.residuals().map { $0 + logZ }
            return response
        }
        let value = objective.evaluate(responses, root: objective.needs.root ? logZ : nil)
        #expect(value.loss < 1e-28)
        #expect(value.slopes.allSatisfy { ($0.token + $0.stop).allSatisfy { abs($0) < 1e-13 } })
        expectClose(value.residuals.logPartition, logZ, relative: 1e-13)
        #expect(value.residuals.pooledVariance < 1e-28)
    }

    @Test("a single response of a single state has a loss only where log Z is learned", arguments: balanceIndices)
    func singleState(index: Int) {
        let objective = balances[index].1
        let response = ScoredResponse(
            tokenLogProbabilities: [-1, -2], stopLogProbabilities: [-9, -9, -0.5], states: [2], logRewards: [-1])
        let value = objective.evaluate([response], root: objective.needs.root ? 1 : nil)
        // H = -3.5 + 1 = -2.5, so log Z + H = -1.5.
        expectClose(value.loss, objective.needs.root ? 2.25 : 0, relative: 1e-12)
        expectClose(value.slopes[0].token, objective.needs.root ? [-3, -3] : [0, 0], relative: 1e-12)
        expectClose(value.slopes[0].stop, objective.needs.root ? [0, 0, -3] : [0, 0, 0], relative: 1e-12)
    }

    @Test("pooled balance of one response is unrooted balance, up to the factor between the two variances")
    func pooledOfOneResponse() {
        let responses = randomResponses(1, lengths: 6...6, seed: 51)
        let pooled = PooledSubTrajectoryBalance(finalWeight: 1, intermediateWeight: 1).evaluate(responses, root: nil)
        let unrooted = SubTrajectoryBalance(lambda: 1, isRooted: false).evaluate(responses, root: nil)
        // METHOD: SubTB(λ = 1) is twice the unbiased variance.
        let n = Double(responses[0].states.count)
        expectClose(unrooted.loss, 2 * pooled.loss * n / (n - 1), relative: 1e-12)
    }

    @Test("VarGrad is half the mean squared difference of all ordered pairs of responses")
    func varianceGradientIsPairwise() {
        let responses = randomResponses(5, seed: 61)
        let final = responses.map { $0.residuals()[$0.states.count - 1] }
        let pairs = final.flatMap { a in final.map { (a - $0) * (a - $0) } }
        let value = ObjectiveKind.varianceGradient.defaults.evaluate(responses, root: nil)
        expectClose(value.loss, pairs.reduce(0, +) / 50, relative: 1e-12)
    }

    @Test("contrastive balance without noise is twice the unbiased variance of H, and its slopes are VarGrad's times 2K/(K − 1)")
    func contrastiveIsVariance() {
        let responses = randomResponses(5, seed: 62)
        let contrastive = ContrastiveTrajectoryBalance().evaluate(responses, root: nil)
        let variance = ObjectiveKind.varianceGradient.defaults.evaluate(responses, root: nil)
        expectClose(contrastive.loss, variance.loss * 2 * 5 / 4, relative: 1e-12)
        for (a, b) in zip(contrastive.slopes, variance.slopes) {
            expectClose(a.token + a.stop, (b.token + b.stop).map { $0 * 2 * 5 / 4 }, relative: 1e-11, absolute: 1e-13)
        }
        #expect(contrastive.measures == [Measure(10, of: 10)])
    }

    @Test("contrastive balance leaves out pairs whose rewards differ by less than the noise, and of equal rewards none without it")
    func contrastiveNoise() {
        // H is −1, −2 and −4.5: one token, no stop to speak of, and log R.
        let responses = [(-1.0, 0.0), (-1, 1), (-3, 1.5)].map { token, reward in
            ScoredResponse(tokenLogProbabilities: [token], stopLogProbabilities: [-7, 0], states: [1], logRewards: [reward])
        }
        let value = ContrastiveTrajectoryBalance(noise: 1).evaluate(responses, root: nil)
        #expect(value.loss == (1 + 3.5 * 3.5) / 2 && value.measures == [Measure(2, of: 3)])
        #expect(value.slopes.map(\.token) == [[1 + 3.5], [-1], [-3.5]])
        let none = ContrastiveTrajectoryBalance(noise: 2).evaluate(responses, root: nil)
        #expect(none.loss == 0 && none.measures == [Measure(0, of: 3)] && none.slopes.allSatisfy { ($0.token + $0.stop).allSatisfy { $0 == 0 } })
        let equal = responses.map { response in
            var response = response
            response.logRewards = [0.5]
            return response
        }
        #expect(ContrastiveTrajectoryBalance().evaluate(equal, root: nil).measures == [Measure(3, of: 3)])
    }

    @Test("a forced stop counts as certain: no log-probability, no slope")
    func forcedStop() {
        var response = randomResponses(1, lengths: 5...5, seed: 71)[0]
        response.stopIsForced = true
        let objective = SubTrajectoryBalance(lambda: 1, isRooted: true)
        let value = objective.evaluate([response], root: 0.5)
        response.stopLogProbabilities[5] = -123
        let other = objective.evaluate([response], root: 0.5)
        #expect(value.loss == other.loss && value.slopes == other.slopes)
        #expect(value.slopes[0].stop[5] == 0 && value.slopes[0].token[4] != 0)
    }

    @Test("λ = 0 relates neighbours only, which is detailed balance")
    func neighboursOnly() {
        let response = randomResponses(1, lengths: 8...8, seed: 81)[0]
        let h = response.residuals()
        let value = SubTrajectoryBalance(lambda: 0, isRooted: false).evaluate([response], root: nil)
        let squares = zip(h, h.dropFirst()).map { ($1 - $0) * ($1 - $0) }
        expectClose(value.loss, squares.reduce(0, +) / Double(squares.count), relative: 1e-12)
    }

    @Test("rooted pairs are the differences to the root alone, and those of one state are all of its pairs")
    func rootedPairs() {
        let response = randomResponses(1, lengths: 8...8, seed: 91)[0]
        let value = SubTrajectoryBalance(lambda: 0.5, pairs: .rooted).evaluate([response], root: 1.25)
        var (numerator, weight, share) = (0.0, 0.0, 1.0)
        for h in response.residuals() {
            numerator += share * (h + 1.25) * (h + 1.25)
            weight += share
            share *= 0.5
        }
        expectClose(value.loss, numerator / weight, relative: 1e-12)
        let single = ScoredResponse(tokenLogProbabilities: [-1], stopLogProbabilities: [-2, -3], states: [1], logRewards: [-0.5])
        let all = SubTrajectoryBalance().evaluate([single], root: 2), rooted = SubTrajectoryBalance(pairs: .rooted).evaluate([single], root: 2)
        #expect(all.loss == rooted.loss && all.slopes == rooted.slopes && all.rootSlope == rooted.rootSlope)
    }

    @Test("Huber's function is the square up to its threshold, and its tangent beyond", arguments: [false, true])
    func huber(isRootedOnly: Bool) {
        let pairs: SubTrajectoryBalance.Pairs = isRootedOnly ? .rooted : .all
        for (count, seed) in [(1, 92), (4, 93)] as [(Int, UInt64)] {
            let responses = randomResponses(count, lengths: 3...8, seed: seed)
            func value(_ δ: Double?) -> ObjectiveValue {
                SubTrajectoryBalance(lambda: 0.7, pairs: pairs, huber: δ).evaluate(responses, root: 1.25)
            }
            let (squares, wide) = (value(nil), value(1e5))
            expectClose(wide.loss, squares.loss, relative: 1e-12)
            expectClose(wide.slopes.flatMap(\.token), squares.slopes.flatMap(\.token), relative: 1e-9, absolute: 1e-12)
            // The definition, pair by pair.
            let δ = 0.9
            let losses = responses.map { response in
                let path = [-1.25] + response.residuals()
                var (numerator, weight) = (0.0, 0.0)
                for i in path.indices where i == 0 || !isRootedOnly {
                    for j in path.indices where j > i {
                        let (share, distance) = (pow(0.7, Double(j - i - 1)), abs(path[j] - path[i]))
                        numerator += share * (distance <= δ ? distance * distance : 2 * δ * distance - δ * δ)
                        weight += share
                    }
                }
                return numerator / weight
            }
            expectClose(value(δ).loss, losses.reduce(0, +) / Double(count), relative: 1e-12)
            #expect(value(δ).loss < squares.loss)
        }
    }

    @Test("every method's settings are read back as they were written, and its defaults pass their own checks", arguments: ObjectiveKind.allCases)
    func settings(kind: ObjectiveKind) {
        for setting in kind.settings {
            #expect(setting.kind.problem(with: setting.fallback) == nil, "\(setting.name) = \(setting.fallback)")
            #expect(setting.name.contains(".") && !setting.summary.isEmpty)
        }
        func written<Method: Objective>(_ method: Method) -> [String] { method.settings.map { $0.value(in: method) } }
        // Another value for each: what is written is what the method then has.
        var changed: [String: String] = [:]
        for setting in kind.settings {
            switch setting.kind {
            case .integer(let range, _): changed[setting.name] = "\(range.lowerBound + 1)"
            case .number(let range, _): changed[setting.name] = "\(range.lowerBound + 0.5)"
            case .choice(let choices): changed[setting.name] = choices.first { $0 != setting.fallback }
            case .size, .text: Issue.record("\(setting.name) is neither a number nor a choice")
            }
        }
        let method = kind.objective { changed[$0] ?? "" }
        #expect(written(method) == kind.settings.map { changed[$0.name] ?? "" })
    }
}
