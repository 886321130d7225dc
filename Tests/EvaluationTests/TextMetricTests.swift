import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("ROUGE-L and n-grams")
struct TextMetricTests {
    @Test("ROUGE-L has the values of rouge_score, plain and with its stemmer", arguments: [("", false), ("stem_", true)])
    func rouge(prefix: String, stemmer: Bool) throws {
        for row in try metricRows("rouge_l.jsonl") {
            let (target, prediction) = (try #require(row["target"] as? String), try #require(row["prediction"] as? String))
            let score = RougeL.score(target: target, prediction: prediction, stemmer: stemmer)
            expectClose(
                [score.precision, score.recall, score.fMeasure],
                try ["precision", "recall", "fmeasure"].map { try number(row[prefix + $0]) }, relative: 1e-12, "\(row["id"] ?? "")")
            #expect(RougeL.score(target: prediction, prediction: target, stemmer: stemmer).fMeasure == score.fMeasure)
        }
    }

    @Test("signs whose lower case is ASCII are read so, the other letters beyond it separate")
    func lowerCase() {
        for (text, same) in [("5 \u{212A}g", "5 kg"), ("\u{130}x", "i x"), ("a\u{E9}b\u{2126}C", "a b c"), ("a\u{C4}\u{2103}", "A")] {
            #expect(RougeL.score(target: text, prediction: same) == RougeL.Score(common: 1, target: 1, prediction: 1), "\(text)")
        }
    }

    @Test("the stemmer cuts only words of more than three characters")
    func shortWords() {
        #expect(RougeL.score(target: "ties", prediction: "tie", stemmer: true).fMeasure == 1)
        #expect(RougeL.score(target: "its", prediction: "it", stemmer: true).fMeasure == 0)
    }

    @Test("stems are those of NLTK")
    func stems() throws {
        let data = try Data(contentsOf: fixtureFolder().appendingPathComponent("porter_stems.json"))
        let stems = try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
        #expect(stems.count > 300)
        for (word, stem) in stems {
            var ours = Array(word.utf8)
            PorterStemmer.stem(&ours)
            #expect(String(decoding: ours, as: UTF8.self) == stem, "\(word)")
        }
    }

    @Test("the bit-parallel subsequence is as long as the table's, also beyond 64 and 128 tokens", arguments: [1, 63, 64, 65, 130])
    func subsequence(length: Int) {
        let a: [Int32] = (0..<Int32(length)).map { ($0 * 7 + $0 / 5) % 11 }
        let b: [Int32] = (0..<Int32(length + 9)).map { ($0 * 5 + $0 / 3) % 13 }
        var table = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in a.indices {
            for j in b.indices {
                table[i + 1][j + 1] = a[i] == b[j] ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
            }
        }
        #expect(PositionMasks(of: a, vocabulary: 13).commonSubsequence(with: b) == table[a.count][b.count])
        #expect(PositionMasks(of: b, vocabulary: 13).commonSubsequence(with: a) == table[a.count][b.count])
        #expect(PositionMasks(of: a, vocabulary: 13).commonSubsequence(with: a) == length)
    }

    @Test("a table gives each token one number, however many there are")
    func tokenTable() {
        var table = TokenTable()
        let tokens = (0..<3000).map { Array("t\($0 * 7919 % 2000)".utf8) }
        let numbers = tokens.map { table.number(of: $0) }
        #expect(table.count == 2000)
        #expect(Array(numbers[..<2000]) == (0..<2000).map { Int32($0) })
        #expect(numbers[2000...].elementsEqual(0..<1000))
        #expect(table.number(ofWord: "\u{E9}t\u{E9}") == 2000)
        #expect(table.number(ofWord: "e\u{301}te\u{301}") == 2000)
        #expect(table.number(of: tokens[1999]) == 1999 && table.count == 2001)
    }

    @Test("tokens, self-BLEU and distinct-n are those of sacrebleu and of n-grams counted over its tokens")
    func nGrams() throws {
        let rows = try String(contentsOf: fixtureFolder().appendingPathComponent("self_bleu.jsonl"), encoding: .utf8)
            .split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
        #expect(rows.count >= 60)
        for (index, row) in rows.enumerated() {
            let texts = try #require(row["texts"] as? [String])
            var table = TokenTable()
            for (text, expected) in zip(texts, try #require(row["tokens"] as? [[String]])) {
                let tokens = expected.map { table.number(of: Array($0.utf8)) }
                #expect(Tokenizer13a.tokens(of: text, in: &table) == tokens, "\(expected)")
            }
            let selfBLEU = try #require(NGramDiversity(of: texts).selfBLEU)
            expectClose(selfBLEU, try number(row["self_bleu"]), relative: 1e-12, "group \(index)")
            let distinct = try #require(row["distinct"] as? [[Int]]).map { $0[1] == 0 ? nil : Double($0[0]) / Double($0[1]) }
            #expect(NGramDiversity(of: texts).distinct == distinct, "group \(index)")
        }
    }

    @Test("self-BLEU does not depend on the order of the texts, and needs two of them")
    func selfBLEUOrder() throws {
        let texts = ["Two and 3 are 5.", "3 + 2 = 5, so two and 3 are 5.", "The sum: 5.", "Two and 3 are six."]
        let value = try #require(NGramDiversity(of: texts).selfBLEU)
        #expect(value > 0 && value < 1)
        expectClose(try #require(NGramDiversity(of: texts.reversed()).selfBLEU), value, relative: 1e-15 * 4)
        #expect(NGramDiversity(of: ["one text"]).selfBLEU == nil)
        #expect(NGramDiversity(of: []).selfBLEU == nil)
        #expect(NGramDiversity(of: []).distinct == [nil, nil, nil, nil])
    }

    @Test("distinct-n tells operators, decimals and letter case apart")
    func distinctTokens() {
        let operators: [Double?] = [Double(4) / 6, 1, 1, nil]
        #expect(NGramDiversity(of: ["2 + 3", "2 * 3"]).distinct == operators)
        let cases: [Double?] = [Double(4) / 6, Double(3) / 4, 1, nil]
        #expect(NGramDiversity(of: ["It is 3.5", "it is 3.5"]).distinct == cases)
    }
}
