@testable import Learner
import Tensor
import Testing

@Suite("Similarity of responses")
struct SimilarityTests {
    /// Levenshtein's recurrence as it is written down.
    private static func distance(_ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>) -> Int {
        guard let x = a.first else { return b.count }
        guard let y = b.first else { return a.count }
        let (u, v) = (a.dropFirst(), b.dropFirst())
        return x == y ? distance(u, v) : 1 + min(distance(u, v), distance(u, b), distance(a, v))
    }

    @Test("token edits are counted, up to any bound, in either order")
    func editDistance() {
        var random = RandomStream(seed: 1, purpose: .task)
        for _ in 0..<200 {
            let (a, b) = (0..<2).map { _ in (0..<random.index(below: 7)).map { _ in Int32(random.index(below: 3)) } }.pair
            let distance = Self.distance(a[...], b[...])
            for bound in [0, 0.5, 1, 1.75, 2, 2.5, 3, 4, 6, 8] {
                let isBelow = Double(distance) < bound
                #expect(Similarity.isEditDistance(of: a, b, below: bound) == isBelow, "\(a) \(b) \(bound)")
                #expect(Similarity.isEditDistance(of: b, a, below: bound) == isBelow, "\(b) \(a) \(bound)")
            }
        }
    }

    @Test("near means below the threshold times both lengths")
    func threshold() {
        let near = Similarity.editDistance(below: 0.25).areNearDuplicates
        #expect(near([1, 2, 3, 4], [1, 2, 3, 5]), "1 < 2")
        #expect(!near([1, 2, 3, 4], [1, 2, 5, 6]), "2 is not below 2")
        #expect(near([1, 2, 3, 4, 9], [1, 2, 5, 6, 9]), "2 < 2.5")
        #expect(!near([], []), "0 is not below 0; equal responses are duplicates all the same")
        #expect(!near([], [1, 2, 3]))
    }
}

private extension [[Int32]] {
    var pair: ([Int32], [Int32]) { (self[0], self[1]) }
}
