/// Which responses to a prompt are near-duplicates, so that a replay buffer keeps one of them.
///
/// A buffer knows tokens only; what compares texts is made where the task is known. Symmetric in the two responses.
package struct Similarity: Sendable {
    package let areNearDuplicates: @Sendable (_ a: [Int32], _ b: [Int32]) -> Bool

    package init(_ areNearDuplicates: @escaping @Sendable (_ a: [Int32], _ b: [Int32]) -> Bool) {
        self.areNearDuplicates = areNearDuplicates
    }

    /// Whether one becomes the other by fewer than `threshold`·(length a + length b) insertions, deletions and substitutions of
    /// tokens: the rule of Hu et al. (arXiv 2310.04363) for their replay buffer, with 0.25.
    package static func editDistance(below threshold: Double) -> Similarity {
        Similarity { a, b in isEditDistance(of: a, b, below: threshold * Double(a.count + b.count)) }
    }

    /// Levenshtein's distance, given up as soon as it cannot be below the bound: one row of the table at a time, whose least number
    /// never falls from one row to the next.
    static func isEditDistance(of a: [Int32], _ b: [Int32], below bound: Double) -> Bool {
        guard Double(abs(a.count - b.count)) < bound else { return false }
        return b.withUnsafeBufferPointer { b in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: b.count + 1) { row in
                for j in 0...b.count { row[j] = Int32(j) }
                for (i, token) in a.enumerated() {
                    var diagonal = row[0], least = Int32(i + 1)
                    row[0] = least
                    for j in 0..<b.count {
                        let substitution = diagonal + (token == b[j] ? 0 : 1)
                        diagonal = row[j + 1]
                        let cell = min(substitution, min(diagonal, row[j]) + 1)
                        row[j + 1] = cell
                        least = min(least, cell)
                    }
                    guard Double(least) < bound else { return false }
                }
                return Double(row[b.count]) < bound
            }
        }
    }
}
