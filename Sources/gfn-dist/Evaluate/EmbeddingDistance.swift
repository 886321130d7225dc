internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// How far apart right solutions of a problem are in meaning: the mean over pairs of 1 − cosine of their embeddings by the base model.
///
/// A rough measure: an embedding is the mean hidden state over the solution's tokens behind its prompt, which no training made for
/// comparing texts. Figures of different base models do not compare.
struct EmbeddingDistance {
    private let task: any Task
    private let numbers: [String: Int]
    private let tokenizer: Tokenizer?
    private let contextLength: Int
    private let policy: Policy

    init(_ work: SampleWork) {
        task = work.task
        numbers = Dictionary(uniqueKeysWithValues: (0..<work.task.problemCount).map { (work.task.identifier(of: $0), $0) })
        tokenizer = work.tokenizer
        contextLength = work.contextLength
        policy = work.basePolicy()
    }

    /// Nil for fewer than two texts, and for a problem whose prompt is too long for the model. A text that the context has no room for
    /// counts as far as there is room.
    func mean(ofProblemNamed name: String, texts: [String]) -> Double? {
        guard texts.count > 1, let problem = numbers[name] else { return nil }
        let prompt = task.promptTokens(of: problem)
        let room = max(0, contextLength - prompt.count)
        let responses = texts.map { text in
            Array((tokenizer?.encode(text, parsingSpecialTokens: false) ?? PathSum.tokens(of: text)).prefix(room))
        }
        let embeddings = policy.embeddings([TokenGroup(prompt: prompt, responses: responses)])[0].map { $0.map(Double.init) }
        var (sum, pairs) = (0.0, 0)
        for (index, a) in embeddings.enumerated() {
            for b in embeddings[(index + 1)...] {
                sum += Self.distance(a, b)
                pairs += 1
            }
        }
        return sum / Double(pairs)
    }

    /// 1 − cosine; that of a text without tokens to any other is 1, to another such text 0.
    private static func distance(_ a: [Double], _ b: [Double]) -> Double {
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let (squareA, squareB) = (dot(a, a), dot(b, b))
        guard squareA > 0, squareB > 0 else { return squareA == squareB ? 0 : 1 }
        return 1 - dot(a, b) / (squareA.squareRoot() * squareB.squareRoot())
    }
}
