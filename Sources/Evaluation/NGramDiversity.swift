internal import Tensor

/// How varied the wording of a problem's solutions is, in runs of tokens.
///
/// Tokens are those of ``Tokenizer13a``, their case kept: words, whole decimals, and operators, brackets and other signs by
/// themselves, so unlike ``RougeL`` it tells 2 + 3 from 2 * 3.
package struct NGramDiversity: Sendable, Equatable {
    /// distinct-n for n = 1…4: different n-grams over all n-grams of the texts (Li et al. 2016, section 5.2). High where texts vary;
    /// nil where no text has n tokens.
    package let distinct: [Double?]
    /// Mean over the texts of the BLEU of each against all the others (Zhu et al. 2018), in 0…1: low where texts vary. Nil for
    /// fewer than two texts.
    ///
    /// BLEU (Papineni et al. 2002) of up to 4-grams of one sentence as sacrebleu computes it with `BLEU(effective_order=True)`:
    /// orders longer than the text are left out, and the k-th order without a match counts as 1/2^k matches (`exp`, NIST's smoothing).
    package let selfBLEU: Double?

    private static let longest = 4

    package init(of texts: [String]) {
        var grams = NGrams(of: texts)
        let lengths = grams.texts.map(\.count)
        var (shares, matches): ([Double?], [[Int]]) = ([], [])
        for n in 1...Self.longest {
            if n > 1 { grams.lengthen() }
            let all = grams.texts.reduce(0) { $0 + $1.count }
            shares.append(all == 0 ? nil : Double(grams.differentCount) / Double(all))
            matches.append(grams.matches())
        }
        distinct = shares
        let scores = lengths.indices.map { text in
            Self.bleu(
                matches: matches.map { $0[text] }, length: lengths[text], reference: Self.closestLength(to: text, in: lengths))
        }
        selfBLEU = texts.count > 1 ? scores.reduce(0, +) / Double(scores.count) : nil
    }

    /// The length nearest to that of a text among the others', the shorter of two.
    private static func closestLength(to text: Int, in lengths: [Int]) -> Int {
        var closest: Int?
        for (other, length) in lengths.enumerated() where other != text {
            guard let best = closest else {
                closest = length
                continue
            }
            let (distance, bestDistance) = (abs(length - lengths[text]), abs(best - lengths[text]))
            if distance < bestDistance || distance == bestDistance && length < best { closest = length }
        }
        return closest ?? 0
    }

    private static func bleu(matches: [Int], length: Int, reference: Int) -> Double {
        guard matches.contains(where: { $0 > 0 }) else { return 0 }
        var (logarithms, order, unmatched) = (0.0, 0, 1.0)
        for (index, count) in matches.enumerated() where length > index {
            let all = Double(length - index)
            if count == 0 { unmatched *= 2 }
            logarithms += Elementary.log(count == 0 ? 1 / (unmatched * all) : Double(count) / all)
            order += 1
        }
        let brevity = length < reference ? Elementary.exp(1 - Double(reference) / Double(length)) : 1
        return brevity * Elementary.exp(logarithms / Double(order))
    }
}

/// The n-grams of a group of texts as numbers, each n-gram one number, for n = 1 and then one more at a time.
private struct NGrams {
    private(set) var texts: [[Int32]]
    private(set) var differentCount: Int

    init(of texts: [String]) {
        var table = TokenTable()
        self.texts = texts.map { Tokenizer13a.tokens(of: $0, in: &table) }
        differentCount = Int(table.count)
    }

    /// From n-grams to (n + 1)-grams: each is the pair of its first n and its last n tokens.
    mutating func lengthen() {
        // Open addressing with at most half of the slots taken; no pair of numbers has all bits set.
        let all = texts.reduce(0) { $0 + $1.count }
        var capacity = 16
        while capacity < 2 * all { capacity *= 2 }
        var pairs = [UInt64](repeating: .max, count: capacity)
        var numbers = [Int32](repeating: 0, count: capacity)
        var count: Int32 = 0
        for text in texts.indices where !texts[text].isEmpty {
            let shorter = texts[text]
            for (index, (first, second)) in zip(shorter, shorter.dropFirst()).enumerated() {
                let pair = UInt64(first) << 32 | UInt64(second)
                var slot = Int((pair &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
                while pairs[slot] != pair, pairs[slot] != .max { slot = (slot + 1) & (capacity - 1) }
                if pairs[slot] == .max {
                    (pairs[slot], numbers[slot]) = (pair, count)
                    count += 1
                }
                texts[text][index] = numbers[slot]
            }
            texts[text].removeLast()
        }
        differentCount = Int(count)
    }

    /// For each text, how many of its n-grams the others hold, each as often as the one of them that has it most often.
    func matches() -> [Int] {
        // With the two highest counts of each n-gram, the highest among the others is known for every text.
        var highest = [Int32](repeating: 0, count: differentCount)
        var second = highest
        var owner = [Int32](repeating: -1, count: differentCount)
        var occurrences = highest
        for (index, text) in texts.enumerated() {
            for gram in text { occurrences[Int(gram)] += 1 }
            for gram in text where occurrences[Int(gram)] > 0 {
                let (gram, count) = (Int(gram), occurrences[Int(gram)])
                occurrences[gram] = 0
                if count > highest[gram] {
                    (highest[gram], second[gram], owner[gram]) = (count, highest[gram], Int32(index))
                } else if count > second[gram] {
                    second[gram] = count
                }
            }
        }
        return texts.enumerated().map { index, text in
            var matches = 0
            for gram in text {
                let gram = Int(gram)
                occurrences[gram] += 1
                if occurrences[gram] <= (owner[gram] == Int32(index) ? second[gram] : highest[gram]) { matches += 1 }
            }
            for gram in text { occurrences[Int(gram)] = 0 }
            return matches
        }
    }
}
