import Foundation
import Problems

/// The rules of the shipped tasks once more, written from what each is to be and not from the script that wrote the files.
enum VerifyRules {
    /// By prompt and response, in nats.
    typealias Rewards = [String: [String: Double]]

    static let all: [String: Rewards] = [
        "numbers": [" 0 0:": numbers()],
        "pathsum-tool": [" 7 20:": tool(7, 20), " 37 44:": tool(37, 44), " 81 72:": tool(81, 72)],
        "prefixes": [" 1 12:": prefixes()],
        "rootless": [" 12 4:": rootless()],
        "reference": [" 5 24:": reference()],
        "learned": [" 5 27:": learned(5, 27, width: 9), " 11 30:": learned(11, 30, width: 10)],
        "bits": [" 0 1:": bits()],
        "sixteen": [" 1 6:": sixteen()],
    ]

    private static func text(_ numbers: [Int]) -> String { numbers.map { " \($0)" }.joined() }

    /// All lists of so many numbers below `limit`, counted up.
    private static func lists(_ length: Int, below limit: Int) -> [[Int]] {
        (0..<length).reduce([[]]) { lists, _ in lists.flatMap { list in (0..<limit).map { list + [$0] } } }
    }

    private static func numbers() -> [String: Double] {
        var rewards: [String: Double] = [:]
        for list in (0...3).flatMap({ lists($0, below: 10) }) { rewards[text(list)] = -8 }
        for number in 0..<100 {
            let digits = number < 10 ? [number] : [number / 10, number % 10]
            rewards[text(digits)] = 2 * cos(2 * .pi * Double(number) / 25)
        }
        return rewards
    }

    // MARK: PathSum

    private static func step(_ operation: PathSumOperator, _ digit: Int, _ result: Int) -> String {
        "\(operation.symbol)\(digit) \(result)\n"
    }

    private static func steps(from value: Int) -> [(operation: PathSumOperator, digit: Int, result: Int)] {
        PathSumOperator.allCases.flatMap { operation in
            operation.digits.map { (operation, $0, operation.apply(value, $0)) }.filter { (0...99).contains($0.2) }
        }
    }

    private static func tool(_ start: Int, _ target: Int) -> [String: Double] {
        var rewards: [String: Double] = [:]
        for first in steps(from: start) {
            let beginning = step(first.operation, first.digit, first.result)
            rewards[beginning] = first.result == target ? 0 : -8
            for last in steps(from: first.result) {
                rewards[beginning + step(last.operation, last.digit, last.result)] = last.result == target ? 0 : -8
            }
        }
        return rewards
    }

    /// Any first step, and behind its right result any second one that leads to within `width` of the target: with its right result
    /// and with the target. `reward` is told the result that is stated last, the first digit, the number of steps, and what is right.
    private static func answers(
        _ start: Int, _ target: Int, width: Int, _ reward: (_ stated: Int, _ digit: Int, _ steps: Int, _ right: Int) -> Double
    ) -> [String: Double] {
        var rewards: [String: Double] = [:]
        for first in steps(from: start) {
            for stated in Set([first.result, target]) {
                rewards[step(first.operation, first.digit, stated)] = reward(stated, first.digit, 1, first.result)
            }
            for last in steps(from: first.result) where (target - width...target + width).contains(last.result) {
                for stated in Set([last.result, target]) {
                    let text = step(first.operation, first.digit, first.result) + step(last.operation, last.digit, stated)
                    rewards[text] = reward(stated, first.digit, 2, last.result)
                }
            }
        }
        return rewards
    }

    private static func reference() -> [String: Double] {
        answers(5, 24, width: 7) { stated, digit, steps, _ in Double((stated + 3 * digit + 5 * steps) % 9) / 2 - 2 }
    }

    private static func learned(_ start: Int, _ target: Int, width: Int) -> [String: Double] {
        answers(start, target, width: width) { stated, _, _, right in stated == target && right == target ? 0 : -8 }
    }

    // MARK: Trees

    private static func prefixes() -> [String: Double] {
        var rewards: [String: Double] = [:]
        func reward(_ depth: Int, _ leaf: Int) -> Double {
            let square: Int = 7 * depth * depth
            let tilt: Int = (5 * depth + 3) * leaf
            return Double((square + tilt) % 13) / 2 - 3
        }
        for depth in [2, 3, 5, 8, 11, 12] { rewards[text(Array(1...depth))] = reward(depth, 6) }
        for depth in 5...11 {
            for leaf in 0...5 { rewards[text(Array(1...depth) + [20 + leaf])] = reward(depth, leaf) }
        }
        return rewards
    }

    private static func rootless() -> [String: Double] {
        var rewards: [String: Double] = [:]
        for first in 0..<12 {
            let shift = Double(first * 5 % 12) * 6 / 11 - 3
            func set(_ rest: [Int], _ sum: Int) {
                let variation: Double = Double((sum + first) % 5) / 4 - 0.5
                rewards[text([10 + first] + rest)] = shift + variation
            }
            set([], 0)
            for second in 0...3 {
                set([second], 1 + 3 * second)
                for third in 0...3 { set([second, third], 2 + 3 * second + 5 * third) }
            }
        }
        return rewards
    }

    private static func bits() -> [String: Double] {
        var rewards: [String: Double] = [:]
        for bits in lists(12, below: 2) {
            let equal = (3..<12).count { bits[$0] == bits[$0 - 3] }
            let imbalance: Int = abs(bits.reduce(0, +) - 6)
            rewards[text(bits)] = Double(equal) * 2 / 3 - Double(imbalance) / 2
        }
        return rewards
    }

    private static func sixteen() -> [String: Double] {
        let strings = (0...3).flatMap { lists($0, below: 2) } + [[1, 1, 1, 1]]
        var rewards: [String: Double] = [:]
        for (place, string) in strings.enumerated() {
            let rank: Int = 5 * place % 16
            rewards[text(string)] = Double(rank) * 4 / 15 - 2
        }
        return rewards
    }
}
