/// The merges of a byte-pair encoding (Sennrich et al. 2016), by the pair of tokens that they join.
struct BytePairMerges: Sendable {
    struct Merge: Sendable {
        let rank: Int32
        let result: Int32
    }

    private var merges: [UInt64: Merge]

    init(capacity: Int) { merges = Dictionary(minimumCapacity: capacity) }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Of two merges of the same pair, the later counts, as in Hugging Face's library.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, result: Int32) {
        merges[Self.key(left, right)] = Merge(rank: Int32(rank), result: result)
    }

    private func merge(_ left: Int32, _ right: Int32) -> Merge? { merges[Self.key(left, right)] }

    /// Joins neighbours until no merge applies: always the one of lowest rank, of equal ones the leftmost.
    ///
    /// O(n log n) in the number of symbols, so that a piece of a million letters is no attack.
    func apply(to symbols: [Int32]) -> [Int32] {
        let count = symbols.count
        guard count > 1 else { return symbols }
        var symbols = symbols
        var next = (0..<count).map { Int32($0 + 1) }
        var previous = (0..<count).map { Int32($0 - 1) }
        var queue = CandidateQueue()
        func enqueue(_ left: Int, _ right: Int) {
            guard let merge = merge(symbols[left], symbols[right]) else { return }
            queue.insert(Candidate(rank: merge.rank, position: Int32(left), result: merge.result))
        }
        for position in 0..<count - 1 { enqueue(position, position + 1) }
        while let candidate = queue.removeFirst() {
            let left = Int(candidate.position)
            // A symbol that was joined to its left neighbour is -1; a pair that changed meanwhile has another result.
            guard symbols[left] >= 0, Int(next[left]) < count else { continue }
            let right = Int(next[left])
            guard merge(symbols[left], symbols[right])?.result == candidate.result else { continue }
            symbols[left] = candidate.result
            symbols[right] = -1
            next[left] = next[right]
            if Int(next[left]) < count {
                previous[Int(next[left])] = Int32(left)
                enqueue(left, Int(next[left]))
            }
            if previous[left] >= 0 { enqueue(Int(previous[left]), left) }
        }
        return symbols.filter { $0 >= 0 }
    }
}

private struct Candidate {
    let rank: Int32
    let position: Int32
    let result: Int32

    func precedes(_ other: Candidate) -> Bool { (rank, position) < (other.rank, other.position) }
}

/// A binary heap with the next merge on top.
private struct CandidateQueue {
    private var heap: [Candidate] = []

    mutating func insert(_ candidate: Candidate) {
        var child = heap.count
        heap.append(candidate)
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> Candidate? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
