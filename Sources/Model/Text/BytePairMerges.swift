/// The merges of a byte-pair encoding (Sennrich et al. 2016), by the pair of tokens that they join.
struct BytePairMerges: Sendable {
    private struct Entry: Sendable {
        /// The pair; `free` where there is no merge.
        var pair: UInt64
        var rank: Int32
        var result: Int32
    }

    private static let free = UInt64.max
    /// Longer pieces than this are merged with a heap.
    private static let shortCount = 48

    /// Open addressing; the count is a power of two, more than twice that of the merges.
    private var entries: [Entry]
    private var count = 0
    private let hash = ByteHash()

    init(capacity: Int = 0) {
        entries = Array(
            repeating: Entry(pair: Self.free, rank: 0, result: 0), count: (2 * max(capacity, 4) + 1).roundedUpToPowerOfTwo)
    }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Of two merges of the same pair, the later counts, as in Hugging Face's library.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, result: Int32) {
        if 2 * count >= entries.count {
            let old = entries
            entries = Array(repeating: Entry(pair: Self.free, rank: 0, result: 0), count: 2 * old.count)
            for entry in old where entry.pair != Self.free { place(entry) }
        }
        if place(Entry(pair: Self.pair(left, right), rank: Int32(rank), result: result)) { count += 1 }
    }

    /// Whether the pair is new.
    @discardableResult
    private mutating func place(_ entry: Entry) -> Bool {
        var slot = Int(truncatingIfNeeded: hash(entry.pair)) & (entries.count - 1)
        while entries[slot].pair != Self.free, entries[slot].pair != entry.pair { slot = (slot + 1) & (entries.count - 1) }
        defer { entries[slot] = entry }
        return entries[slot].pair == Self.free
    }

    /// All merges in order of rank.
    var inOrder: [(left: Int32, right: Int32, result: Int32)] {
        entries.filter { $0.pair != Self.free }.sorted { ($0.rank, $0.pair) < ($1.rank, $1.pair) }.map {
            (Int32(bitPattern: UInt32($0.pair >> 32)), Int32(bitPattern: UInt32(truncatingIfNeeded: $0.pair)), $0.result)
        }
    }

    /// What the merges lead to.
    var results: [Int32] { entries.filter { $0.pair != Self.free }.map(\.result) }

    // MARK: Merging

    /// What merging needs besides the symbols; kept between pieces, so that none allocates.
    struct Workspace {
        fileprivate var ranks: [Int32] = []
        fileprivate var results: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var queue = MergeQueue()
    }

    /// Joins neighbours until no merge applies: always the one of lowest rank, of equal ones the leftmost.
    ///
    /// O(n log n) in the number of symbols, so that a piece of a million letters is no attack.
    func apply(to symbols: inout [Int32], from start: Int, _ workspace: inout Workspace) {
        let count = symbols.count - start
        guard count > 1 else { return }
        let left = entries.withUnsafeBufferPointer { entries in
            symbols.withUnsafeMutableBufferPointer { symbols in
                let piece = UnsafeMutableBufferPointer(rebasing: symbols[start...])
                return count <= Self.shortCount
                    ? applyShort(piece, Finder(entries: entries, hash: hash), &workspace)
                    : applyLong(piece, Finder(entries: entries, hash: hash), &workspace)
            }
        }
        symbols.removeLast(count - left)
    }

    private struct Finder {
        let entries: UnsafeBufferPointer<Entry>
        let hash: ByteHash

        /// The rank and result of a pair; rank `Int32.max` when nothing joins it.
        @inline(__always)
        func callAsFunction(_ left: Int32, _ right: Int32) -> (rank: Int32, result: Int32) {
            let pair = BytePairMerges.pair(left, right)
            var slot = Int(truncatingIfNeeded: hash(pair)) & (entries.count - 1)
            while true {
                let entry = entries[slot]
                if entry.pair == pair { return (entry.rank, entry.result) }
                if entry.pair == BytePairMerges.free { return (.max, -1) }
                slot = (slot + 1) & (entries.count - 1)
            }
        }
    }

    /// Looks through all pairs for the next merge: the fastest way while they are few. Returns how many symbols are left.
    private func applyShort(_ symbols: UnsafeMutableBufferPointer<Int32>, _ find: Finder, _ workspace: inout Workspace) -> Int {
        if workspace.ranks.isEmpty {
            workspace.ranks = Array(repeating: 0, count: Self.shortCount)
            workspace.results = Array(repeating: 0, count: Self.shortCount)
        }
        return workspace.ranks.withUnsafeMutableBufferPointer { ranks in
            workspace.results.withUnsafeMutableBufferPointer { results in
                var count = symbols.count
                for index in 0..<count - 1 { (ranks[index], results[index]) = find(symbols[index], symbols[index + 1]) }
                while count > 1 {
                    var best = 0
                    for index in 1..<max(1, count - 1) where ranks[index] < ranks[best] { best = index }
                    if ranks[best] == .max { break }
                    symbols[best] = results[best]
                    count -= 1
                    for index in best + 1..<max(best + 1, count) { symbols[index] = symbols[index + 1] }
                    for index in best + 1..<max(best + 1, count - 1) {
                        ranks[index] = ranks[index + 1]
                        results[index] = results[index + 1]
                    }
                    if best + 1 < count { (ranks[best], results[best]) = find(symbols[best], symbols[best + 1]) }
                    if best > 0 { (ranks[best - 1], results[best - 1]) = find(symbols[best - 1], symbols[best]) }
                }
                return count
            }
        }
    }

    /// The same with a heap of candidates and linked symbols. Returns how many symbols are left.
    private func applyLong(_ symbols: UnsafeMutableBufferPointer<Int32>, _ find: Finder, _ workspace: inout Workspace) -> Int {
        let count = symbols.count
        workspace.next = (0..<count).map { Int32($0 + 1) }
        workspace.previous = (0..<count).map { Int32($0 - 1) }
        workspace.queue.fill(count - 1) { find(symbols[$0], symbols[$0 + 1]).rank }
        workspace.next.withUnsafeMutableBufferPointer { next in
            workspace.previous.withUnsafeMutableBufferPointer { previous in
                while let (rank, position) = workspace.queue.removeFirst() {
                    // A symbol that was joined to its left neighbour is -1; a pair that changed meanwhile has another rank.
                    guard symbols[position] >= 0, Int(next[position]) < count else { continue }
                    let right = Int(next[position])
                    let merge = find(symbols[position], symbols[right])
                    guard merge.rank == rank else { continue }
                    symbols[position] = merge.result
                    symbols[right] = -1
                    next[position] = next[right]
                    let after = Int(next[position]), before = Int(previous[position])
                    if after < count {
                        previous[after] = Int32(position)
                        workspace.queue.insert(rank: find(symbols[position], symbols[after]).rank, position: position)
                    }
                    if before >= 0 {
                        workspace.queue.insert(rank: find(symbols[before], symbols[position]).rank, position: before)
                    }
                }
            }
        }
        var left = 0
        for symbol in symbols where symbol >= 0 {
            symbols[left] = symbol
            left += 1
        }
        return left
    }
}

/// A binary heap of candidates, the lowest rank on top, of equal ones the leftmost.
private struct MergeQueue {
    /// Rank above, position below.
    private var heap: [UInt64] = []

    /// Starts anew with the pairs at all positions below `count` that have a rank other than `Int32.max`.
    mutating func fill(_ count: Int, _ rank: (Int) -> Int32) {
        heap.removeAll(keepingCapacity: true)
        for position in 0..<count {
            let rank = rank(position)
            if rank != .max { heap.append(UInt64(rank) << 32 | UInt64(position)) }
        }
        for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent) }
    }

    mutating func insert(rank: Int32, position: Int) {
        guard rank != .max else { return }
        var child = heap.count
        heap.append(UInt64(rank) << 32 | UInt64(position))
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> (rank: Int32, position: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink(0)
        }
        return (Int32(first >> 32), Int(first & 0xFFFF_FFFF))
    }

    private mutating func sink(_ start: Int) {
        heap.withUnsafeMutableBufferPointer { heap in
            var parent = start
            let value = heap[parent]
            while 2 * parent + 1 < heap.count {
                var child = 2 * parent + 1
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                if value <= heap[child] { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = value
        }
    }
}
