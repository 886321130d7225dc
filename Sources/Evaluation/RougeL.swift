/// ROUGE-L as Google's `rouge_score` computes it (without its stemmer).
///
/// Text becomes lower-case runs of `[a-z0-9]`; everything else separates. So operators, points and LaTeX backslashes vanish.
package enum RougeL {
    package struct Score: Sendable, Equatable {
        package var precision: Double
        package var recall: Double
        package var fMeasure: Double
    }

    /// A text's tokens.
    package static func tokens(of text: String) -> [String] {
        var tokens: [String] = []
        var current: [UInt8] = []
        func close() {
            if !current.isEmpty { tokens.append(String(decoding: current, as: UTF8.self)) }
            current.removeAll(keepingCapacity: true)
        }
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x30...0x39, 0x61...0x7A: current.append(UInt8(scalar.value))
            case 0x41...0x5A: current.append(UInt8(scalar.value) + 0x20)
            case 0x212A: current.append(0x6B)  // KELVIN SIGN: its lower case is an ASCII k
            case 0x130:  // İ: its lower case is an ASCII i and a combining dot, which separates
                current.append(0x69)
                close()
            default: close()
            }
        }
        close()
        return tokens
    }

    package static func score(target: String, prediction: String) -> Score {
        score(target: tokens(of: target), prediction: tokens(of: prediction))
    }

    /// P = LCS/|prediction|, R = LCS/|target|, F = 2PR/(P + R); all 0 when a side is empty or nothing is shared.
    package static func score(target: [String], prediction: [String]) -> Score {
        let common = Double(longestCommonSubsequence(target, prediction))
        guard common > 0 else { return Score(precision: 0, recall: 0, fMeasure: 0) }
        let precision = common / Double(prediction.count)
        let recall = common / Double(target.count)
        return Score(
            precision: precision, recall: recall, fMeasure: 2 * precision * recall / (precision + recall))
    }

    /// Length of the longest common subsequence, 64 rows of the table at a time.
    ///
    /// Hyyrö's form of the bit-parallel recurrence: with M_c the positions of c in `a` and V all ones at first, each c of
    /// `b` does `V ← (V + (V & M_c)) | (V & ~M_c)`; the zeros of V are the length.
    package static func longestCommonSubsequence(_ a: [String], _ b: [String]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return 0 }
        let words = (a.count + 63) / 64
        var positions: [String: [UInt64]] = [:]
        for (index, token) in a.enumerated() {
            positions[token, default: [UInt64](repeating: 0, count: words)][index / 64] |= 1 << UInt64(index % 64)
        }
        var v = [UInt64](repeating: .max, count: words)
        for token in b {
            guard let mask = positions[token] else { continue }
            var carry: UInt64 = 0
            for word in 0..<words {
                let matched = v[word] & mask[word]
                let (sum, overflowed) = v[word].addingReportingOverflow(matched)
                let (total, overflowedAgain) = sum.addingReportingOverflow(carry)
                carry = overflowed || overflowedAgain ? 1 : 0
                v[word] = total | (v[word] & ~mask[word])
            }
        }
        return (0..<a.count).count { v[$0 / 64] >> UInt64($0 % 64) & 1 == 0 }
    }
}

/// How many *different* correct solutions a set of samples holds.
package enum DistinctSolutions {
    /// Indices of the correct texts that stay: greedily in sampling order, a text is kept if its ROUGE-L F-measure with every
    /// kept one is below `threshold`.
    package static func kept(of texts: [String], correct: [Bool], threshold: Double) -> [Int] {
        kept(of: texts.map(tokens(of:)), correct: correct, threshold: threshold)
    }

    /// A text's tokens for ``RougeL``: those of rouge_score, which keeps Latin letters and digits only; of a text that has none of
    /// them, the words of its own script, each sign by itself where scripts are written without spaces; of one that has no words,
    /// the text itself. So equal texts are one solution in every script.
    static func tokens(of text: String) -> [String] {
        let tokens = RougeL.tokens(of: text)
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
        return words.isEmpty ? [text] : words
    }

    /// Chinese and Japanese signs, Thai, Lao, Burmese and Khmer letters.
    private static func isWrittenWithoutSpaces(_ scalar: UInt32) -> Bool {
        [0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF]
            .contains { $0.contains(scalar) }
    }

    static func kept(of texts: [[String]], correct: [Bool], threshold: Double) -> [Int] {
        precondition(texts.count == correct.count, "\(texts.count) texts, \(correct.count) verdicts")
        var kept: [Int] = []
        for (index, text) in texts.enumerated() where correct[index] {
            let isNew = kept.allSatisfy { RougeL.score(target: texts[$0], prediction: text).fMeasure < threshold }
            if isNew { kept.append(index) }
        }
        return kept
    }

    /// How many different strings the correct texts are.
    package static func exactCount(of texts: [String], correct: [Bool]) -> Int {
        precondition(texts.count == correct.count, "\(texts.count) texts, \(correct.count) verdicts")
        // By Unicode scalars: Swift's == would take canonically equivalent spellings for one.
        return Set(zip(texts, correct).filter { $0.1 }.map { Array($0.0.utf8) }).count
    }
}
