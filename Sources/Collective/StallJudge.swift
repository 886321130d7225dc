/// Decides from what ranks say of themselves which of them have stalled: a function of what it was told and when, without a clock.
struct StallJudge: Sendable {
    enum Verdict: Equatable, Sendable {
        /// Nothing was heard of these ranks for so many seconds: they are stopped, or out of reach.
        case silent([Int], seconds: Double)
        /// These ranks say that they work, and nothing has gone on there for so many seconds.
        case stuck([Int], seconds: Double)
        /// All ranks wait for each other.
        case deadlock(seconds: Double)
    }

    /// A rank as it was last heard of; times are seconds of some clock.
    private struct Rank: Sendable {
        var moment: Whereabouts.Moment
        var heard: Double
        /// When it was last seen to go on.
        var moved: Double
    }

    /// Of a rank that never said anything there is no verdict: it may be that it cannot be heard.
    private var ranks: [Rank?]

    init(size: Int) { ranks = Array(repeating: nil, count: size) }

    /// Where the rank was last.
    subscript(rank: Int) -> Whereabouts.Moment? { ranks[rank]?.moment }

    mutating func hear(_ moment: Whereabouts.Moment, of rank: Int, at time: Double) {
        let moved = ranks[rank].flatMap { $0.moment.progress == moment.progress ? $0.moved : nil } ?? time
        ranks[rank] = Rank(moment: moment, heard: time, moved: moved)
    }

    /// Forgets when it heard of whom: after this process was itself stopped for a while.
    mutating func forgive(at time: Double) {
        for rank in ranks.indices {
            ranks[rank]?.heard = time
            ranks[rank]?.moved = time
        }
    }

    /// - Parameter limit: in seconds.
    func verdict(at time: Double, limit: Double) -> Verdict? {
        func of(_ seconds: (Rank) -> Double?) -> (ranks: [Int], seconds: Double)? {
            let found = ranks.enumerated().compactMap { place, rank in
                rank.flatMap(seconds).flatMap { $0 >= limit ? (place, $0) : nil }
            }
            return found.isEmpty ? nil : (found.map(\.0), found.map(\.1).max() ?? limit)
        }
        // First of all: whoever is silent may be why the others stand still.
        if let silent = of({ time - $0.heard }) { return .silent(silent.ranks, seconds: silent.seconds) }
        // Of one that was not heard of lately it shows soon that it is silent.
        let isHeard = { (rank: Rank) in time - rank.heard < limit / 3 }
        if let stuck = of({ $0.moment.wait == nil && isHeard($0) ? time - $0.moved : nil }) {
            return .stuck(stuck.ranks, seconds: stuck.seconds)
        }
        if let still = of({ $0.moment.wait != nil && isHeard($0) ? time - $0.moved : nil }), still.ranks.count == ranks.count {
            return .deadlock(seconds: still.seconds)
        }
        return nil
    }
}
