internal import Foundation
internal import Tensor

extension PathSum {
    package struct Step: Hashable, Sendable {
        package let operation: PathSumOperator
        package let digit: Int
        package let result: Int

        /// What a textbook would rather avoid: many steps, small digits, multiplication.
        package var cost: Double {
            0.8 + Double(9 - digit) * 0.15 + [0, -0.3, 2][operation.rawValue]
        }

        package var tokens: [Int32] {
            [
                Vocabulary.token(of: operation), Vocabulary.digit(digit), Vocabulary.number(result), Vocabulary.newline,
            ]
        }
    }

    /// All right steps from each value, by operator and digit.
    private static let stepsFrom: [[Step]] = (0...99).map { value in
        PathSumOperator.allCases.flatMap { operation in
            operation.digits.compactMap { digit in
                let result = operation.apply(value, digit)
                return (0...99).contains(result) ? Step(operation: operation, digit: digit, result: result) : nil
            }
        }
    }

    /// The right steps from `100·a + b` = from a to b.
    private static let stepsBetween: [[Step]] = {
        var table = [[Step]](repeating: [], count: 100 * 100)
        for (value, steps) in stepsFrom.enumerated() {
            for step in steps { table[100 * value + step.result].append(step) }
        }
        return table
    }()

    /// Every correct solution of one to three steps: shorter ones first, then by operator and digit.
    package static func solutions(of pair: Pair) -> [[Step]] {
        let (start, target) = (pair.start, pair.target)
        var found = stepsBetween[100 * start + target].map { [$0] }
        for first in stepsFrom[start] {
            for last in stepsBetween[100 * first.result + target] { found.append([first, last]) }
        }
        for first in stepsFrom[start] {
            for second in stepsFrom[first.result] {
                for last in stepsBetween[100 * second.result + target] { found.append([first, second, last]) }
            }
        }
        return found
    }

    /// The same as token ids, without ⊤: what a policy is asked the log-probabilities of.
    package func solutions(of problem: Int) -> [[Int32]] {
        Self.solutions(of: pairs[problem]).map(Self.tokens(of:))
    }

    package static func tokens(of steps: [Step]) -> [Int32] { steps.flatMap(\.tokens) }

    /// A solution drawn with weight `exp(−kappa · cost)`, by inverse CDF at `uniform` in [0, 1); nil when there is none.
    static func textbookSolution(of pair: Pair, kappa: Double, uniform: Double) -> [Int32]? {
        let solutions = solutions(of: pair)
        let costs = solutions.map { $0.reduce(0) { $0 + $1.cost } }
        guard let least = costs.min() else { return nil }
        let weights = costs.map { exp(kappa * (least - $0)) }
        var remaining = uniform * weights.reduce(0, +)
        for (solution, weight) in zip(solutions, weights) {
            remaining -= weight
            if remaining < 0 { return tokens(of: solution) }
        }
        return solutions.last.map(tokens(of:))
    }

    /// The 5553 pairs S ≠ T in 0…99 that are connected by one or two right steps, by S and then T.
    package static let reachablePairs: [Pair] = (0...99).flatMap { start in
        var isReachable = [Bool](repeating: false, count: 100)
        for first in stepsFrom[start] {
            isReachable[first.result] = true
            for second in stepsFrom[first.result] { isReachable[second.result] = true }
        }
        return (0...99).filter { isReachable[$0] && $0 != start }.map { Pair(start: start, target: $0) }
    }

    /// A fixed division into 5253 pairs to learn from and 300 to be judged on.
    static let splitPairs: (train: [Pair], heldOut: [Pair]) = {
        var random = RandomStream(seed: 0, purpose: .dataSplit)
        let order = random.permutation(of: reachablePairs.count)
        return (
            order.dropFirst(heldOutCount).sorted().map { reachablePairs[$0] },
            order.prefix(heldOutCount).sorted().map { reachablePairs[$0] }
        )
    }()
}
