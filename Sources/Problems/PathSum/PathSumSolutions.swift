internal import Tensor

/// How the solutions that the base model learns from are chosen: nearly always the same one of a problem, and not always
/// printed without a mistake. So the base knows the arithmetic, but makes mistakes and has one way of doing things,
/// which leaves accuracy and diversity to be learned from reward.
package struct TextbookStyle: Sendable, Equatable {
    /// κ: a solution has weight `exp(−κ · cost)`; the larger, the fewer ways.
    package var skew: Double
    /// Share of examples that are drawn uniformly from all correct solutions instead.
    package var uniformShare: Double
    /// Share of examples with one result replaced by a random number.
    package var misprintShare: Double

    package init(skew: Double = 8, uniformShare: Double = 0.1, misprintShare: Double = 0.25) {
        (self.skew, self.uniformShare, self.misprintShare) = (skew, uniformShare, misprintShare)
    }

    /// What a textbook would rather avoid: many steps, small digits early on, subtraction a little, multiplication.
    /// Digits count half as much at each later step, so that 9 + 5 is cheaper than 5 + 9.
    package func cost(of steps: [PathSum.Step]) -> Double {
        var (sum, digitWeight) = (0.0, 0.15)
        for step in steps {
            sum += 0.8 + Double(9 - step.digit) * digitWeight + [0, 0.3, 2][step.operation.rawValue]
            digitWeight *= 0.5
        }
        return sum
    }
}

extension PathSum {
    package struct Step: Hashable, Sendable {
        package let operation: PathSumOperator
        package let digit: Int
        package let result: Int

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

    /// Kinds of problems, by which an evaluation may divide them.
    package enum Field: String, CaseIterable {
        /// Of the shortest solution.
        case steps
        /// That occur in the shortest solutions, as `+*`.
        case operations
        /// How many there are, at least: 1, 50, 100 or 200.
        case solutions
    }

    package func value(of field: Field, problem: Int) -> String {
        let solutions = Self.solutions(of: pairs[problem])
        let shortest = solutions.prefix { $0.count == solutions[0].count }
        switch field {
        case .steps: return "\(solutions[0].count)"
        case .operations:
            return PathSumOperator.allCases.filter { operation in shortest.contains { $0.contains { $0.operation == operation } } }
                .map(\.symbol).joined()
        case .solutions: return "\([200, 100, 50].first { $0 <= solutions.count } ?? 1)"
        }
    }

    package func listedResponses(to problem: Int) -> [[Int32]]? { solutions(of: problem) }

    /// Every correct solution's first steps, and the solution itself, as token ids.
    package func correctBeginnings(of problem: Int) -> Set<[Int32]> {
        var beginnings: Set<[Int32]> = []
        for steps in Self.solutions(of: pairs[problem]) {
            for count in 1...steps.count { beginnings.insert(Self.tokens(of: Array(steps.prefix(count)))) }
        }
        return beginnings
    }

    package static func tokens(of steps: [Step]) -> [Int32] { steps.flatMap(\.tokens) }

    /// A solution in the style of `textbook`; nil when the pair has none.
    static func textbookSolution(of pair: Pair, style: TextbookStyle, using random: inout RandomStream) -> [Int32]? {
        let solutions = solutions(of: pair)
        guard !solutions.isEmpty else { return nil }
        let isUniform = random.unitDouble() < style.uniformShare
        let uniform = random.unitDouble()
        let chosen =
            isUniform ? min(solutions.count - 1, Int(uniform * Double(solutions.count)))
            : cheapChoice(among: solutions, style: style, uniform: uniform)
        var steps = solutions[chosen]
        if random.unitDouble() < style.misprintShare {
            let place = random.index(below: steps.count)
            steps[place] = Step(operation: steps[place].operation, digit: steps[place].digit, result: random.index(below: 100))
        }
        return tokens(of: steps)
    }

    /// An index drawn with weight `exp(−skew · cost)`, by inverse CDF at `uniform` in [0, 1).
    static func cheapChoice(among solutions: [[Step]], style: TextbookStyle, uniform: Double) -> Int {
        let costs = solutions.map(style.cost(of:))
        let least = costs.min() ?? 0
        let weights = costs.map { Elementary.exp(style.skew * (least - $0)) }
        var remaining = uniform * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            remaining -= weight
            if remaining < 0 { return index }
        }
        return solutions.count - 1
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

    /// The pairs of a part, by S and then T: of all 5553, 5253 to learn from and 300 to be judged on.
    package static func pairs(of split: Split) -> [Pair] {
        let count = heldOutCount
        let places = switch split.part {
        case .heldOut: 0..<count
        case .validation: count..<2 * count
        case .seen: 2 * count..<3 * count
        case .fit: 2 * count..<splitOrder.count
        case .train: count..<splitOrder.count
        }
        return splitOrder[places].sorted().map { reachablePairs[$0] }.filter { split.range?.contains($0) ?? true }
    }

    private static let splitOrder: [Int] = {
        var random = RandomStream(seed: 0, purpose: .dataSplit)
        return random.permutation(of: reachablePairs.count)
    }()
}
