/// What counts as a *different* correct solution, given which pairs of texts are alike.
package enum DistinctMethod: String, CaseIterable, Sendable {
    /// In sampling order, a text is kept if it is like none of those kept. Depends on the order.
    case greedy
    /// Groups that likeness joins, directly or over others. Never more than the other two.
    case components
    /// As many texts as can be chosen with no two alike. Never fewer than the other two.
    case largest
}

/// How many different correct solutions a set of samples holds.
package struct DistinctCount: Sendable, Equatable {
    package var threshold: Double
    package var count: Int
    /// False only for ``DistinctMethod/largest`` when the search reached its limit: then there are at least `count`.
    package var isExact: Bool
}

/// The correct samples of one problem, compared pair by pair: two are alike if their ROUGE-L F-measure is not below a threshold.
///
/// Texts of equal tokens are one solution, whatever the threshold. Only integers are stored; the F-measure is computed in the
/// comparison, in double precision and rouge_score's order, so counts are equal on every processor.
package struct DistinctSolutions: Sendable {
    /// Where each different correct text first stands among the samples.
    private var positions: [Int] = []
    /// Lengths of these texts in tokens.
    private var lengths: [Int] = []
    /// Lengths of the common subsequences: that of the texts a < b at b(b − 1)/2 + a.
    private var common: [Int32] = []

    /// Only texts that are correct are looked at.
    package init(texts: [String], correct: [Bool], stemmer: Bool = false) {
        precondition(texts.count == correct.count, "\(texts.count) texts, \(correct.count) verdicts")
        var table = TokenTable()
        var different: [[Int32]] = []
        var known: Set<[Int32]> = []
        for (position, text) in texts.enumerated() where correct[position] {
            let tokens = Self.tokens(of: text, stemmer: stemmer, in: &table)
            guard known.insert(tokens).inserted else { continue }
            different.append(tokens)
            positions.append(position)
        }
        lengths = different.map(\.count)
        common.reserveCapacity(different.count * (different.count - 1) / 2)
        for (index, text) in different.enumerated().dropFirst() {
            let masks = PositionMasks(of: text, vocabulary: table.count)
            for earlier in different[..<index] { common.append(Int32(masks.commonSubsequence(with: earlier))) }
        }
    }

    /// One count for each threshold. Above a threshold of 1 every text of other tokens is a solution of its own.
    package func counts(thresholds: [Double], method: DistinctMethod) -> [DistinctCount] {
        thresholds.map { threshold in
            switch method {
            case .greedy:
                return DistinctCount(threshold: threshold, count: kept(threshold: threshold).count, isExact: true)
            case .components:
                return DistinctCount(threshold: threshold, count: graph(threshold: threshold).components().count, isExact: true)
            case .largest:
                let (count, isExact) = graph(threshold: threshold).largestIndependentSet()
                return DistinctCount(threshold: threshold, count: count, isExact: isExact)
            }
        }
    }

    /// Indices of the samples that ``DistinctMethod/greedy`` keeps.
    package func kept(threshold: Double) -> [Int] {
        var kept: [Int] = []
        for text in positions.indices where kept.allSatisfy({ !areAlike($0, text, threshold) }) { kept.append(text) }
        return kept.map { positions[$0] }
    }

    private func graph(threshold: Double) -> SimilarityGraph {
        var graph = SimilarityGraph(count: positions.count)
        for b in positions.indices {
            for a in 0..<b where areAlike(a, b, threshold) { graph.join(a, b) }
        }
        return graph
    }

    /// Of the texts a < b.
    private func areAlike(_ a: Int, _ b: Int, _ threshold: Double) -> Bool {
        let score = RougeL.Score(common: Int(common[b * (b - 1) / 2 + a]), target: lengths[a], prediction: lengths[b])
        return !(score.fMeasure < threshold)
    }

    /// A text's tokens: those of ``RougeL``, which keeps Latin letters and digits only; of a text that has none of them, the words
    /// of its own script, each sign by itself where scripts are written without spaces; of one that has no words, the text itself.
    /// So equal texts are one solution in every script.
    private static func tokens(of text: String, stemmer: Bool, in table: inout TokenTable) -> [Int32] {
        let tokens = RougeL.tokens(of: text, stemmer: stemmer, in: &table)
        guard tokens.isEmpty else { return tokens }
        var (words, current): ([String], String) = ([], "")
        func close() {
            if !current.isEmpty { words.append(current) }
            current = ""
        }
        for character in text.lowercased() {
            let isUnspaced = character.unicodeScalars.first.map { isWrittenWithoutSpaces($0.value) } ?? false
            if isUnspaced || !(character.isLetter || character.isNumber) { close() }
            if character.isLetter || character.isNumber { current.append(character) }
            if isUnspaced { close() }
        }
        close()
        return (words.isEmpty ? [text] : words).map { table.number(ofWord: $0) }
    }

    /// Chinese and Japanese signs, Thai, Lao, Burmese and Khmer letters.
    private static func isWrittenWithoutSpaces(_ scalar: UInt32) -> Bool {
        [0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF]
            .contains { $0.contains(scalar) }
    }

    /// How many different strings the correct texts are.
    package static func exactCount(of texts: [String], correct: [Bool]) -> Int {
        precondition(texts.count == correct.count, "\(texts.count) texts, \(correct.count) verdicts")
        // By Unicode scalars: Swift's == would take canonically equivalent spellings for one.
        return Set(zip(texts, correct).filter { $0.1 }.map { Array($0.0.utf8) }).count
    }

    /// How many different ``EquationList``s the correct texts have.
    package static func equationCount(of texts: [String], correct: [Bool]) -> Int {
        precondition(texts.count == correct.count, "\(texts.count) texts, \(correct.count) verdicts")
        return Set(zip(texts, correct).filter { $0.1 }.map { EquationList($0.0) }).count
    }
}
