/// Which of a problem's solutions are alike: an undirected graph on 0..<count.
struct SimilarityGraph {
    private var neighbours: [VertexSet]

    init(count: Int) { neighbours = [VertexSet](repeating: VertexSet(capacity: count), count: count) }

    mutating func join(_ a: Int, _ b: Int) {
        neighbours[a].insert(b)
        neighbours[b].insert(a)
    }

    /// The connected components, in order of their smallest members.
    func components() -> [VertexSet] {
        var (components, unseen) = ([VertexSet](), VertexSet(capacity: neighbours.count))
        for vertex in neighbours.indices { unseen.insert(vertex) }
        while let start = unseen.first {
            var component = VertexSet(capacity: neighbours.count)
            var frontier = [start]
            unseen.remove(start)
            while let vertex = frontier.popLast() {
                component.insert(vertex)
                for neighbour in neighbours[vertex].intersection(unseen) {
                    unseen.remove(neighbour)
                    frontier.append(neighbour)
                }
            }
            components.append(component)
        }
        return components
    }

    /// How many vertices can be chosen with no two joined.
    ///
    /// Branch and bound in each component: a vertex of at most one neighbour is taken at once; a set holds at most one vertex of
    /// each clique of a cover, which bounds it; else the vertex of most neighbours is left out or taken. `limit` is how many
    /// sets of candidates are looked at in one component; when they do not suffice the count is the largest found, at least that
    /// of the choice in order, and not exact. The limit counts work, not time, so the outcome is the same everywhere.
    func largestIndependentSet(limit: Int = 200_000) -> (count: Int, isExact: Bool) {
        var (count, isExact) = (0, true)
        for component in components() {
            var search = Search(neighbours: neighbours, best: choiceInOrder(component), remaining: limit)
            search.look(at: component, chosen: 0)
            count += search.best
            isExact = isExact && search.isExact
        }
        return (count, isExact)
    }

    private func choiceInOrder(_ candidates: VertexSet) -> Int {
        var (candidates, count) = (candidates, 0)
        while let vertex = candidates.first {
            candidates.remove(vertex)
            candidates.subtract(neighbours[vertex])
            count += 1
        }
        return count
    }

    private struct Search {
        let neighbours: [VertexSet]
        var best: Int
        var remaining: Int
        var isExact = true

        mutating func look(at candidates: VertexSet, chosen: Int) {
            var (candidates, chosen) = (candidates, chosen)
            let pivot = reduce(&candidates, &chosen)
            best = max(best, chosen)
            guard let pivot, chosen + cliqueCover(candidates) > best else { return }
            guard remaining > 0 else {
                isExact = false
                return
            }
            remaining -= 1
            candidates.remove(pivot)
            look(at: candidates, chosen: chosen)
            candidates.subtract(neighbours[pivot])
            look(at: candidates, chosen: chosen + 1)
        }

        /// Takes vertices of at most one neighbour for as long as there are any. Returns the vertex of most neighbours; nil if
        /// none is left.
        private func reduce(_ candidates: inout VertexSet, _ chosen: inout Int) -> Int? {
            while true {
                var (pivot, most, tookOne): (Int?, Int, Bool) = (nil, -1, false)
                for vertex in candidates where candidates.contains(vertex) {
                    let degree = neighbours[vertex].intersectionCount(candidates)
                    if degree <= 1 {
                        candidates.remove(vertex)
                        candidates.subtract(neighbours[vertex])
                        chosen += 1
                        tookOne = true
                    } else if degree > most {
                        (pivot, most) = (vertex, degree)
                    }
                }
                if !tookOne { return pivot }
            }
        }

        /// The number of cliques of a cover of the candidates, each grown from the first vertex that is left.
        private func cliqueCover(_ candidates: VertexSet) -> Int {
            var (left, count) = (candidates, 0)
            while let start = left.first {
                left.remove(start)
                var fitting = neighbours[start].intersection(left)
                while let vertex = fitting.first {
                    left.remove(vertex)
                    fitting.remove(vertex)
                    fitting.formIntersection(neighbours[vertex])
                }
                count += 1
            }
            return count
        }
    }
}

/// A set of small integers, one bit each, which iterates in ascending order.
struct VertexSet: Sequence, Equatable {
    private var words: [UInt64]

    init(capacity: Int) { words = [UInt64](repeating: 0, count: (capacity + 63) / 64) }

    var first: Int? {
        guard let word = words.firstIndex(where: { $0 != 0 }) else { return nil }
        return 64 * word + words[word].trailingZeroBitCount
    }

    func contains(_ vertex: Int) -> Bool { words[vertex / 64] >> UInt64(vertex % 64) & 1 == 1 }

    mutating func insert(_ vertex: Int) { words[vertex / 64] |= 1 << UInt64(vertex % 64) }

    mutating func remove(_ vertex: Int) { words[vertex / 64] &= ~(1 << UInt64(vertex % 64)) }

    mutating func formIntersection(_ other: VertexSet) {
        for word in words.indices { words[word] &= other.words[word] }
    }

    mutating func subtract(_ other: VertexSet) {
        for word in words.indices { words[word] &= ~other.words[word] }
    }

    func intersection(_ other: VertexSet) -> VertexSet {
        var result = self
        result.formIntersection(other)
        return result
    }

    func intersectionCount(_ other: VertexSet) -> Int {
        var count = 0
        for word in words.indices { count += (words[word] & other.words[word]).nonzeroBitCount }
        return count
    }

    func makeIterator() -> Iterator { Iterator(left: self) }

    struct Iterator: IteratorProtocol {
        var left: VertexSet

        mutating func next() -> Int? {
            guard let vertex = left.first else { return nil }
            left.remove(vertex)
            return vertex
        }
    }
}
