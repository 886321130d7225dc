import Foundation
import Model
import Tensor
import TestSupport
import Testing

@Suite("A response's mean hidden state")
struct EmbeddingTests {
    /// Made by `make-embeddings.py`.
    private struct Case: Decodable {
        let prompt: [Int32]
        let responses: [[Int32]]
        let embeddings: [[Float]]
    }

    @Test("is that of transformers")
    func transformers() throws {
        let folder = ownFixtures
        let cases = try JSONDecoder().decode(
            [Case].self, from: Data(contentsOf: folder.appendingPathComponent("embeddings/embeddings.json")))
        let files = try ModelFiles.open(folder.appendingPathComponent("nano-tied-f32/checkpoint").path)
        let base = try BaseModel(files, precision: .fp32, gradients: false, parallel: .serial)
        let untouched = AdapterConfiguration(rank: 1, alpha: 1, targets: [], rankStabilised: false)
        let policy = Policy(base: base, trainable: .lora(untouched), parallel: .serial)
        let embeddings = policy.embeddings(cases.map { TokenGroup(prompt: $0.prompt, responses: $0.responses) })
        #expect(embeddings.map(\.count) == cases.map(\.embeddings.count))
        for (actual, expected) in zip(embeddings.joined(), cases.flatMap(\.embeddings)) {
            expectClose(actual, expected, relative: 1e-5, absolute: 1e-4)
        }
    }

    @Test("has the same bits in any company and with any number of threads", arguments: Precision.allCases)
    func company(precision: Precision) throws {
        let policy = try tinyPolicy(precision: precision), together = policy.embeddings(tinyGroups)
        #expect(try tinyPolicy(precision: precision, threads: 3).embeddings(tinyGroups) == together)
        for (g, group) in tinyGroups.enumerated() {
            for (k, response) in group.responses.enumerated() {
                #expect(policy.embeddings([TokenGroup(prompt: group.prompt, responses: [response])]) == [[together[g][k]]])
            }
        }
        #expect(Set(together.joined()).count == tinyGroups.map(\.responses.count).reduce(0, +))
    }

    /// The hidden state at a prompt's end is that of the token read last, whichever side of the border it is on.
    @Test("of one token is the hidden state that a prompt ending in it has")
    func oneToken() throws {
        let policy = try tinyPolicy()
        let asPrompt = policy.forward([TokenGroup(prompt: [5, 6, 7], responses: [])], recording: false).promptHidden[0]
        #expect(policy.embeddings([TokenGroup(prompt: [5, 6], responses: [[7]])]) == [[asPrompt]])
    }

    @Test("is zero for an empty response, and there is none without responses")
    func empty() throws {
        let policy = try tinyPolicy()
        #expect(policy.embeddings([TokenGroup(prompt: [5, 6], responses: [[]])]) == [[[Float](repeating: 0, count: 20)]])
        #expect(policy.embeddings([TokenGroup(prompt: [5, 6], responses: [])]) == [[]])
        #expect(policy.embeddings([]).isEmpty)
    }
}
