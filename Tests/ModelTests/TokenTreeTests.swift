import Model
import Testing

@Suite("A tree of legal responses")
struct TokenTreeTests {
    private let tree = TokenTree([[5, 1], [5], [2], [5, 3, 3]])

    @Test("has the states that lead to a response, and no other")
    func states() throws {
        #expect(tree.nodeCount == 6 && tree.longest == 3)
        #expect(tree.nextTokens(at: tree.root) == [2, 5])
        let five = try #require(tree.node(after: tree.root, 5))
        #expect(tree.nextTokens(at: five) == [1, 3])
        #expect(tree.node(at: [5, 3, 3]).map { tree.nextTokens(at: $0) } == [])
        #expect(tree.node(at: [5, 2]) == nil && tree.node(at: [2, 2]) == nil)
    }

    @Test("says where a response may end")
    func ends() throws {
        #expect(!tree.isEnd(tree.root))
        #expect(tree.node(at: [5]).map(tree.isEnd) == true)
        #expect(tree.node(at: [5, 3]).map(tree.isEnd) == false)
        #expect(TokenTree([[], [1]]).isEnd(0))
    }

    @Test("is the same whatever the order and however often a response is named")
    func order() {
        let other = TokenTree([[5, 3, 3], [2], [5], [5, 1], [2]])
        for response in [[], [5], [2], [5, 1], [5, 3], [5, 3, 3]] as [[Int32]] {
            let (a, b) = (tree.node(at: response), other.node(at: response))
            #expect(a.map { tree.nextTokens(at: $0) } == b.map { other.nextTokens(at: $0) } && a.map(tree.isEnd) == b.map(other.isEnd))
        }
        #expect(tree.nodeCount == other.nodeCount)
    }
}
