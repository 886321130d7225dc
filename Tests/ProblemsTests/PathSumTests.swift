import Foundation
import Model
import Tensor
import TestSupport
import Testing

@testable import Problems

@Suite("PathSum")
struct PathSumTests {
    typealias Vocabulary = PathSum.Vocabulary

    private let task = PathSum(pairs: [PathSum.Pair(start: 37, target: 84)])

    /// Reads the task's own text back into tokens.
    private func tokens(_ text: String) -> [Int32] {
        let names = (0..<Int32(Vocabulary.count)).map { ($0, Vocabulary.text(of: $0) ?? "") }
            .sorted { $0.1.utf8.count > $1.1.utf8.count }
        var (rest, found) = (Substring(text), [Int32]())
        while !rest.isEmpty, let (token, name) = names.first(where: { rest.hasPrefix($0.1) }) {
            found.append(token)
            rest = rest.dropFirst(name.count)
        }
        return found
    }

    @Test("every token has its own text, and text and tokens correspond")
    func vocabularyIsOneToOne() {
        let texts = (0..<Int32(Vocabulary.count)).compactMap(Vocabulary.text(of:))
        #expect(Set(texts).count == 119)
        #expect(Vocabulary.text(of: 119) == nil && Vocabulary.text(of: -1) == nil)
        #expect(task.text(of: task.promptTokens(of: 0)) == "<s> 37 84:")
        #expect(task.text(of: tokens("+7 44\n*2 88\n-4 84\n")) == "+7 44\n*2 88\n-4 84\n")
        #expect(tokens("+7 44\n") == [114, 11, 58, 118])
    }

    @Test("the tokenizer file has equal bytes each time, and all tokens and merges")
    func tokenizerFile() throws {
        #expect(PathSum.tokenizerJSON() == PathSum.tokenizerJSON())
        let object = try #require(try JSONSerialization.jsonObject(with: PathSum.tokenizerJSON()) as? [String: Any])
        let model = try #require(object["model"] as? [String: Any])
        let vocabulary = try #require(model["vocab"] as? [String: Int])
        #expect(vocabulary.count == 119 && vocabulary["Ġ37"] == 51 && vocabulary["Ċ"] == 118 && vocabulary["</s>"] == 2)
        #expect((model["merges"] as? [String])?.count == 100)
    }

    @Test("a right response is right at its end only, and its process is zero")
    func rightResponse() {
        let response = tokens("+7 44\n*2 88\n-4 84\n")
        let states = task.states(of: response, stop: .stopToken, problem: 0)
        #expect(states.map(\.index) == [4, 8, 12])
        #expect(states.map(\.isCorrect) == [false, false, true])
        #expect(states.map(\.isFinished) == [false, false, true] && states.allSatisfy { $0.process == 0 })
        #expect(task.verdict(on: response, stop: .stopToken, problem: 0) == Verdict(.correct, answer: "84"))
        #expect(task.verdict(on: response, stop: .length, problem: 0) == Verdict(.unfinished))
    }

    @Test("a wrong step costs log ε, and the steps after it are judged by the result it stated")
    func wrongStep() {
        let states = task.states(of: tokens("+7 45\n*2 90\n-6 84\n"), stop: .stopToken, problem: 0)
        let ε = Float(log(1e-4))
        expectClose(states.map(\.process), [ε, ε, ε])
        #expect(states.map(\.isFinished) == [false, false, true] && states.allSatisfy { !$0.isCorrect })
    }

    @Test("the process score of a response is the chosen aggregate of its lines' scores", arguments: ProcessAggregate.allCases)
    func aggregates(aggregate: ProcessAggregate) {
        let task = PathSum(pairs: [PathSum.Pair(start: 37, target: 84)], processFloor: 0.01, aggregate: aggregate)
        // Right, wrong, right by what the wrong one stated, and one line too many.
        let states = task.states(of: tokens("+7 44\n*2 84\n-4 80\n+4 84\n"), stop: .stopToken, problem: 0)
        let w = log(0.01)
        let expected: [ProcessAggregate: [Double]] = [
            .min: [0, w, w, w], .product: [0, w, w, 2 * w], .meanLog: [0, w / 2, w / 3, w / 2], .last: [0, w, 0, w],
        ]
        expectClose(states.map(\.process), (expected[aggregate] ?? []).map { Float($0) })
        let empty = task.states(of: [], stop: .stopToken, problem: 0)
        expectClose(empty.map(\.process), [Float(w)])
    }

    @Test("the product, which is the usual aggregate, is a sum in double precision that is rounded once")
    func productBits() {
        let states = task.states(of: tokens("+7 45\n*2 91\n-6 84\n*3 84\n"), stop: .stopToken, problem: 0)
        let w = Elementary.log(1e-4)
        #expect(states.map(\.process) == [w, w + w, w + w + w, w + w + w + w].map { Float($0) })
    }

    @Test(
        "what is malformed, unfinished, empty or too long is never correct",
        arguments: [
            ("", 0, 1), ("+7 44", 3, 1), ("+7 44\n*2", 6, 1), ("\n", 1, 1), ("+7\n", 3, 1), ("44\n", 3, 1),
            ("+7 44\n\n-4 84\n", 9, 2), ("*1 37\n+9 46\n", 8, 1), ("+9 46\n+9 55\n+9 64\n+9 73\n", 16, 1),
        ])
    func malformed(text: String, length: Int, wrongLines: Int) {
        let response = tokens(text)
        let states = task.states(of: response, stop: .stopToken, problem: 0)
        #expect(response.count == length && states.last?.index == length)
        expectClose(states.last?.process ?? 0, Float(log(1e-4)) * Float(wrongLines))
        #expect(states.allSatisfy { !$0.isCorrect })
        #expect(!task.verdict(on: response, stop: .stopToken, problem: 0).isCorrect)
    }

    @Test("only complete lines, all well-formed, that end at the target make a finished response")
    func finished() {
        func isFinished(_ text: String) -> [Bool] {
            task.states(of: tokens(text), stop: .stopToken, problem: 0).map(\.isFinished)
        }
        #expect(isFinished("+7 84\n*2") == [true, false] && isFinished("+7 84\n*2 99\n") == [true, false])
        #expect(isFinished("+7\n+7 84\n") == [false, false] && isFinished("+9 46\n+9 55\n+9 64\n+9 84\n") == [false, false, false, true])
        #expect(isFinished("") == [false])
        #expect(task.states(of: [114, 11, 500, 118, -3], stop: .length, problem: 0).map(\.isFinished) == [false, false])
    }

    @Test("5553 pairs of different numbers are at most two steps apart, 300 of them held out")
    func pairs() {
        #expect(PathSum.reachablePairs.count == 5553)
        let (train, heldOut) = (PathSum.pairs(of: .train), PathSum.pairs(of: .heldOut))
        #expect(train.count == 5253 && heldOut.count == 300)
        #expect(Set(train + heldOut) == Set(PathSum.reachablePairs))
        #expect(heldOut.prefix(3) == PathSum(split: .heldOut, seed: 9).pairs.prefix(3))
        let (fit, validation, seen) = (PathSum.pairs(of: .fit), PathSum.pairs(of: .validation), PathSum.pairs(of: .seen))
        #expect(validation.count == 300 && Set(fit).isDisjoint(with: validation) && Set(fit + validation) == Set(train))
        #expect(seen.count == 300 && Set(seen).isSubset(of: fit))
        for part in PathSum.Split.Part.allCases {
            let whole = PathSum.Split(part), low = PathSum.Split(part, .low), high = PathSum.Split(part, .high)
            let numbers = [low, high].map { PathSum.pairs(of: $0).flatMap { [$0.start, $0.target] } }
            #expect(numbers[0].allSatisfy { $0 < 50 } && numbers[1].allSatisfy { $0 >= 50 })
            let across = PathSum.pairs(of: whole).filter { ($0.start < 50) != ($0.target < 50) }
            #expect(Set(PathSum.pairs(of: low) + PathSum.pairs(of: high) + across) == Set(PathSum.pairs(of: whole)))
            for split in [whole, low, high] { #expect(PathSum.Split(named: split.name) == split) }
        }
        #expect(PathSum.Split(named: "pathsum-fit-middle") == nil && PathSum.Split(named: "pathsum") == nil)
    }

    @Test("the solutions are all the correct responses and nothing else")
    func solutionsAreComplete() {
        let pair = PathSum.Pair(start: 2, target: 5)
        let task = PathSum(pairs: [pair])
        let solutions = task.solutions(of: 0)
        #expect(Set(solutions).count == solutions.count)
        for solution in solutions { #expect(task.verdict(on: solution, stop: .stopToken, problem: 0).isCorrect) }
        // All responses of one and two lines, judged one by one: the same ones are right.
        let lines = PathSumOperator.allCases.flatMap { operation in
            (1...9).flatMap { digit in
                (0...99).map { PathSum.Step(operation: operation, digit: digit, result: $0) }
            }
        }
        func isRight(_ steps: [PathSum.Step]) -> Bool {
            task.verdict(on: PathSum.tokens(of: steps), stop: .stopToken, problem: 0).isCorrect
        }
        let short = lines.filter { isRight([$0]) }.map { [$0] }
        let firsts = lines.filter { $0.operation.apply(2, $0.digit) == $0.result && $0.result < 20 }
        let lasts = lines.filter { $0.result == 5 }
        let double = firsts.flatMap { first in lasts.map { [first, $0] } }.filter(isRight)
        #expect(short.count == 1)
        #expect(solutions.filter { $0.count == 4 }.count == short.count)
        #expect(Set(solutions.filter { $0.count == 8 }) == Set(double.map(PathSum.tokens(of:))))
    }

    @Test("problems are of kinds: steps and operations of the shortest solutions, and how many solutions there are", arguments: [
        // +5 and *6; only +3; only −3; only +9; +9 and *9; (37 + 5)·2 and (37 − 9)·3.
        (1, 6, "1", "+*"), (2, 5, "1", "+"), (6, 3, "1", "-"), (0, 9, "1", "+"), (0, 81, "2", "+*"), (37, 84, "2", "+-*"),
    ])
    func kinds(start: Int, target: Int, steps: String, operations: String) {
        let task = PathSum(pairs: [PathSum.Pair(start: start, target: target)])
        #expect(task.value(of: .steps, problem: 0) == steps)
        #expect(task.value(of: .operations, problem: 0) == operations)
        let count = task.solutions(of: 0).count
        let bounds = ["1": 1..<50, "50": 50..<100, "100": 100..<200, "200": 200..<100_000]
        #expect(bounds[task.value(of: .solutions, problem: 0)]?.contains(count) == true, "\(count)")
    }

    @Test("held-out pairs have about 121 solutions each, and at most 375")
    func solutionCounts() {
        let counts = PathSum.pairs(of: .heldOut).map { PathSum.solutions(of: $0).count }.sorted()
        let mean = Double(counts.reduce(0, +)) / 300
        #expect((110...133).contains(mean) && counts[0] > 0 && counts[299] <= 375, "mean \(mean)")
    }

    @Test("textbook solutions repeat by address, and are right when nothing is misprinted")
    func textbook() {
        let style = TextbookStyle(skew: 1, uniformShare: 0, misprintShare: 0)
        let task = PathSum(pairs: [PathSum.Pair(start: 37, target: 84)], seed: 5, textbook: style)
        #expect(task.demonstration(of: 0, sample: 3) == task.demonstration(of: 0, sample: 3))
        let drawn = (0..<50).compactMap { task.demonstration(of: 0, sample: $0) }
        #expect(drawn.count == 50 && Set(drawn).count > 3)
        for solution in drawn { #expect(task.verdict(on: solution, stop: .stopToken, problem: 0).isCorrect) }
    }

    @Test("a skewed textbook has one way for a problem, a uniform one has many, and a misprint spoils one result")
    func textbookStyles() {
        let pair = PathSum.Pair(start: 37, target: 84)
        func drawn(_ style: TextbookStyle) -> [[Int32]] {
            let task = PathSum(pairs: [pair], seed: 5, textbook: style)
            return (0..<100).compactMap { task.demonstration(of: 0, sample: $0) }
        }
        #expect(Set(drawn(TextbookStyle(skew: 1e6, uniformShare: 0, misprintShare: 0))).count == 1)
        #expect(Set(drawn(TextbookStyle(skew: 1e6, uniformShare: 1, misprintShare: 0))).count > 30)
        let task = PathSum(pairs: [pair])
        let misprinted = drawn(TextbookStyle(skew: 1e6, uniformShare: 0, misprintShare: 1))
        let right = misprinted.count { task.verdict(on: $0, stop: .stopToken, problem: 0).isCorrect }
        #expect(right < 10, "a random number is the right one in a hundredth of all cases")
    }

    @Test("cheap solutions are chosen with weight exp(−skew · cost)")
    func textbookWeights() {
        let solutions = PathSum.solutions(of: PathSum.Pair(start: 10, target: 19))
        let style = TextbookStyle(skew: 2, uniformShare: 0, misprintShare: 0)
        let weights = solutions.map { exp(-2 * style.cost(of: $0)) }
        let total = weights.reduce(0, +)
        var edge = 0.0
        for (index, weight) in weights.enumerated().prefix(40) {
            let middle = (edge + weight / 2) / total
            edge += weight
            #expect(PathSum.cheapChoice(among: solutions, style: style, uniform: middle) == index)
        }
        var random = RandomStream(seed: 1, purpose: .task)
        #expect(PathSum.textbookSolution(of: PathSum.Pair(start: 0, target: 97), style: style, using: &random) == nil)
    }

    @Test("the cost prefers one step, large digits first, and addition")
    func textbookCost() {
        let style = TextbookStyle()
        func step(_ operation: PathSumOperator, _ digit: Int) -> PathSum.Step {
            PathSum.Step(operation: operation, digit: digit, result: 0)
        }
        expectClose(style.cost(of: [step(.add, 9)]), 0.8)
        expectClose(style.cost(of: [step(.subtract, 7)]), 0.8 + 0.3 + 0.3)
        expectClose(style.cost(of: [step(.add, 9), step(.multiply, 5)]), 0.8 + 0.8 + 4 * 0.075 + 2)
        #expect(style.cost(of: [step(.add, 9), step(.add, 5)]) < style.cost(of: [step(.add, 5), step(.add, 9)]))
    }
}
