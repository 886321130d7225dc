import TestSupport
import Testing

@testable import Evaluation

@Suite("Distinct solutions")
struct DistinctSolutionsTests {
    private static let thresholds = [0.3, 0.5, 0.6, 0.7, 0.8, 0.95, 1]

    /// Linear congruential, so that every run tests the same.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    /// Texts of a few words, each an alteration of one before it, so that all likenesses occur.
    private func group(_ count: Int, using numbers: inout Numbers) -> [String] {
        var texts = [(0..<10).map { _ in Int.random(in: 0..<12, using: &numbers) }]
        while texts.count < count {
            var text = texts.randomElement(using: &numbers) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &numbers) {
                text[Int.random(in: 0..<text.count, using: &numbers)] = Int.random(in: 0..<12, using: &numbers)
            }
            if Bool.random(using: &numbers) { text.append(Int.random(in: 0..<12, using: &numbers)) }
            texts.append(text)
        }
        return texts.map { $0.map { "w\($0)" }.joined(separator: " ") }
    }

    private func counts(_ texts: [String], _ method: DistinctMethod) -> [Int] {
        DistinctSolutions(texts: texts, correct: texts.map { _ in true }).counts(thresholds: Self.thresholds, method: method).map(\.count)
    }

    @Test("the greedy method keeps what the reference procedure keeps")
    func reference() throws {
        for row in try metricRows("distinct.jsonl") {
            let texts = try #require(row["texts"] as? [String])
            let solutions = DistinctSolutions(texts: texts, correct: try #require(row["correct"] as? [Bool]))
            for (name, kept) in try #require(row["kept"] as? [String: [Int]]) {
                let threshold = try #require(Double(name))
                #expect(solutions.kept(threshold: threshold) == kept, "\(row["id"] ?? "") at \(name)")
                let expected = DistinctCount(threshold: threshold, count: kept.count, isExact: true)
                #expect(solutions.counts(thresholds: [threshold], method: .greedy) == [expected])
            }
        }
    }

    @Test("equal texts are one solution in every script, and different ones are not", arguments: DistinctMethod.allCases)
    func scripts(method: DistinctMethod) {
        func count(_ texts: [String]) -> Int {
            DistinctSolutions(texts: texts, correct: texts.map { _ in true }).counts(thresholds: [0.7], method: method)[0].count
        }
        for text in ["答案是七十三。", "ответ семь", "الجواب سبعة", "คำตอบคือเจ็ด", "七 + 三", "++", "", "η = θ"] {
            #expect(count([text, text, text]) == 1, "\(text)")
        }
        #expect(count(["ответ семь", "ответ восемь", "это сорок два"]) == 3)
        #expect(count(["先乘后加,得七十三。", "把所有苹果放在一起数。"]) == 2)
        #expect(count(["先乘后加,得七十三。", "先乘后加,得七十三"]) == 1)
        #expect(count(["++", "--", ""]) == 3)
        #expect(count(["共73个", "总共 73"]) == 1)
        // Canonically equivalent spellings.
        #expect(count(["\u{44F}\u{439}", "\u{44F}\u{438}\u{306}"]) == 1)
    }

    @Test("a higher threshold never makes fewer components or a smaller largest set, and greedy lies between them")
    func bounds() {
        var numbers = Numbers(state: 5)
        var greedyIsLess = false
        var greedyIsMore = false
        for _ in 0..<60 {
            let texts = group(Int.random(in: 1...12, using: &numbers), using: &numbers)
            let (components, greedy, largest) = (counts(texts, .components), counts(texts, .greedy), counts(texts, .largest))
            #expect(components == components.sorted() && largest == largest.sorted())
            #expect(zip(components, greedy).allSatisfy { $0 <= $1 } && zip(greedy, largest).allSatisfy { $0 <= $1 })
            #expect(largest.last == Set(texts).count)
            greedyIsMore = greedyIsMore || components != greedy
            greedyIsLess = greedyIsLess || greedy != largest
        }
        #expect(greedyIsMore && greedyIsLess)
    }

    @Test("components and the largest set do not depend on the order of the samples", arguments: [DistinctMethod.components, .largest])
    func order(method: DistinctMethod) {
        var numbers = Numbers(state: 11)
        for _ in 0..<30 {
            let texts = group(10, using: &numbers)
            #expect(counts(texts.shuffled(using: &numbers), method) == counts(texts, method))
        }
    }

    @Test("the largest set is as large as the best of all subsets")
    func allSubsets() {
        var numbers = Numbers(state: 23)
        for _ in 0..<25 {
            let texts = group(Int.random(in: 1...10, using: &numbers), using: &numbers)
            for (threshold, count) in zip(Self.thresholds, counts(texts, .largest)) {
                var unlike = [Int](repeating: 0, count: texts.count)
                for a in texts.indices {
                    for b in texts.indices {
                        let score = RougeL.score(target: texts[a], prediction: texts[b])
                        if score.fMeasure < threshold { unlike[a] |= 1 << b }
                    }
                }
                let best = (0..<(1 << texts.count)).lazy
                    .filter { subset in texts.indices.allSatisfy { subset >> $0 & 1 == 0 || subset & ~unlike[$0] == 1 << $0 } }
                    .map(\.nonzeroBitCount).max()
                #expect(count == best, "\(texts) at \(threshold)")
            }
        }
    }

    @Test("wrong texts count for nothing, and the stemmer makes more texts alike")
    func correctOnly() {
        let texts = ["add the apples together", "adding the apple together", "add the apples together", "subtract it"]
        func count(_ correct: [Bool], stemmer: Bool = false) -> Int {
            DistinctSolutions(texts: texts, correct: correct, stemmer: stemmer).counts(thresholds: [0.7], method: .greedy)[0].count
        }
        #expect(count([false, false, false, false]) == 0)
        #expect(count([true, true, true, true]) == 3)
        #expect(count([true, true, true, true], stemmer: true) == 2)
        #expect(count([false, false, true, false]) == 1)
        #expect(DistinctSolutions(texts: texts, correct: [false, true, true, false]).kept(threshold: 0.7) == [1, 2])
        #expect(DistinctMethod.allCases.map(\.rawValue) == ["greedy", "components", "largest"])
    }
}

@Suite("Similarity graph")
struct SimilarityGraphTests {
    private func graph(_ count: Int, _ edges: [(Int, Int)]) -> SimilarityGraph {
        var graph = SimilarityGraph(count: count)
        for (a, b) in edges { graph.join(a, b) }
        return graph
    }

    private func cycle(_ count: Int) -> [(Int, Int)] { (0..<count).map { ($0, ($0 + 1) % count) } }

    /// A cycle, a star inside it, and spokes.
    private var petersen: [(Int, Int)] {
        var edges = cycle(5)
        for vertex in 0..<5 {
            edges.append((vertex, vertex + 5))
            edges.append((vertex + 5, (vertex + 2) % 5 + 5))
        }
        return edges
    }

    private func torus(_ side: Int) -> [(Int, Int)] {
        var edges: [(Int, Int)] = []
        for row in 0..<side {
            for column in 0..<side {
                edges.append((row * side + column, row * side + (column + 1) % side))
                edges.append((row * side + column, (row + 1) % side * side + column))
            }
        }
        return edges
    }

    @Test("known graphs have their independence numbers, also beyond 64 vertices")
    func known() {
        func largest(_ graph: SimilarityGraph) -> Int {
            let (count, isExact) = graph.largestIndependentSet()
            #expect(isExact)
            return count
        }
        #expect(largest(graph(0, [])) == 0)
        #expect(largest(graph(70, [])) == 70)
        for count in [3, 4, 5, 64, 65, 131] { #expect(largest(graph(count, cycle(count))) == count / 2) }
        #expect(largest(graph(10, petersen)) == 4)
        // A torus of squares: each row is a cycle, and shifted copies of the largest choice in one fit above each other.
        #expect(largest(graph(64, torus(8))) == 32)
        #expect(largest(graph(81, torus(9))) == 36)
    }

    @Test("components are listed by their smallest members")
    func components() {
        let parts = graph(70, [(0, 69), (69, 65), (1, 2), (66, 3)]).components().map(Array.init)
        #expect(Array(parts.prefix(4)) == [[0, 65, 69], [1, 2], [3, 66], [4]])
        #expect(parts.count == 66)
    }

    @Test("a search that reaches its limit says that its count is a lower bound")
    func limit() {
        // The vertices in order give 0, 2 and then 6 only.
        let (count, isExact) = graph(10, petersen).largestIndependentSet(limit: 0)
        #expect(count == 3 && !isExact)
        // A path needs no search.
        let path = graph(9, (0..<8).map { ($0, $0 + 1) }).largestIndependentSet(limit: 0)
        #expect(path.count == 5 && path.isExact)
    }
}
