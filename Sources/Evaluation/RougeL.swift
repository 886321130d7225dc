/// ROUGE-L (Lin 2004) as Google's `rouge_score` 0.1.2 computes it, with its stemmer or without.
///
/// Text becomes lower-case runs of `[a-z0-9]`; everything else separates. So operators, points and LaTeX backslashes vanish.
/// The stemmer cuts the tokens of more than three characters.
package enum RougeL {
    package struct Score: Sendable, Equatable {
        package var precision: Double
        package var recall: Double
        package var fMeasure: Double

        /// P = LCS/|prediction|, R = LCS/|target|, F = 2PR/(P + R) from the lengths in tokens; all 0 when nothing is shared.
        /// The bits of F are the same with the two texts exchanged.
        init(common: Int, target: Int, prediction: Int) {
            guard common > 0 else {
                (precision, recall, fMeasure) = (0, 0, 0)
                return
            }
            precision = Double(common) / Double(prediction)
            recall = Double(common) / Double(target)
            fMeasure = 2 * precision * recall / (precision + recall)
        }
    }

    package static func score(target: String, prediction: String, stemmer: Bool = false) -> Score {
        var table = TokenTable()
        let target = tokens(of: target, stemmer: stemmer, in: &table)
        let prediction = tokens(of: prediction, stemmer: stemmer, in: &table)
        let common = PositionMasks(of: target, vocabulary: table.count).commonSubsequence(with: prediction)
        return Score(common: common, target: target.count, prediction: prediction.count)
    }

    /// A text's tokens, as numbers of `table`.
    static func tokens(of text: String, stemmer: Bool, in table: inout TokenTable) -> [Int32] {
        var (numbers, token): ([Int32], [UInt8]) = ([], [])
        func close() {
            guard !token.isEmpty else { return }
            if stemmer && token.count > 3 { PorterStemmer.stem(&token) }
            numbers.append(table.number(of: token))
            token.removeAll(keepingCapacity: true)
        }
        var text = text
        text.withUTF8 { bytes in
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                switch byte {
                case 0x30...0x39, 0x61...0x7A: token.append(byte)
                case 0x41...0x5A: token.append(byte + 0x20)
                case 0xE2 where bytes[index] == 0x84 && bytes[index + 1] == 0xAA:  // KELVIN SIGN: its lower case is an ASCII k
                    token.append(0x6B)
                    index += 2
                case 0xC4 where bytes[index] == 0xB0:  // İ: its lower case is an ASCII i and a combining dot, which separates
                    token.append(0x69)
                    close()
                default: close()
                }
            }
        }
        close()
        return numbers
    }
}

/// Where each token stands in one text: what the bit-parallel subsequence reads, made once and used against many texts.
struct PositionMasks {
    private let count: Int
    private let words: Int
    /// Where a token's masks begin in `masks`; −1 for a token that the text lacks.
    private var rows: [Int32]
    /// `words` words for each of the text's different tokens.
    private var masks: [UInt64]

    /// `vocabulary` is above every number in any of the texts.
    init(of text: [Int32], vocabulary: Int32) {
        count = text.count
        words = (text.count + 63) / 64
        rows = [Int32](repeating: -1, count: Int(vocabulary))
        masks = []
        for (index, token) in text.enumerated() {
            if rows[Int(token)] < 0 {
                rows[Int(token)] = Int32(masks.count)
                masks.append(contentsOf: repeatElement(0, count: words))
            }
            masks[Int(rows[Int(token)]) + index / 64] |= 1 << UInt64(index % 64)
        }
    }

    /// Length of the longest common subsequence with another text, 64 rows of the table at a time.
    ///
    /// Hyyrö's form of the bit-parallel recurrence (2004): with M_c the positions of c in this text and V all ones at first,
    /// each c of the other does `V ← (V + (V & M_c)) | (V & ~M_c)`; the zeros of V are the length.
    func commonSubsequence(with other: [Int32]) -> Int {
        guard count > 0 else { return 0 }
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { v in
            v.initialize(repeating: .max)
            rows.withUnsafeBufferPointer { rows in
                masks.withUnsafeBufferPointer { masks in
                    for token in other {
                        let row = Int(rows[Int(token)])
                        guard row >= 0 else { continue }
                        var carry: UInt64 = 0
                        for word in 0..<words {
                            let mask = masks[row + word]
                            let (sum, overflowed) = v[word].addingReportingOverflow(v[word] & mask)
                            let (total, overflowedAgain) = sum.addingReportingOverflow(carry)
                            carry = overflowed || overflowedAgain ? 1 : 0
                            v[word] = total | (v[word] & ~mask)
                        }
                    }
                }
            }
            // Rows beyond the text have no positions and stay ones.
            return v.reduce(0) { $0 + (~$1).nonzeroBitCount }
        }
    }
}
