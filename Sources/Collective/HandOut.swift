/// Which rollout samples which slots of a step, so that all finish at about the same time: a pure value, equal wherever the same
/// work was seen.
///
/// Of each rollout it keeps the seconds that a group took in the last steps. Each next slot goes to the rollout that would finish first,
/// which makes the largest foreseen time the least that whole groups allow. Rollouts are named by their place among the rollouts.
///
/// Arithmetic is limited to what every processor rounds alike, since ranks of different kinds come to the same result.
package struct HandOut: Sendable, Equatable {
    /// What one rollout did in one step.
    package struct Work: Sendable, Equatable {
        package let groups: Int
        package let seconds: Double

        package init(groups: Int, seconds: Double) { (self.groups, self.seconds) = (groups, seconds) }
    }

    private struct Pace: Sendable, Equatable {
        /// Seconds of a group in the last steps that had some, oldest first.
        var recent: [Double] = []
        /// Steps without a group since then.
        var idle = 0
    }

    /// A median of so many steps: one that was slow for once changes nothing.
    private static let remembered = 5
    /// What a group is thought to take becomes so much less with each step without one, until the rollout gets one and is measured anew.
    private static let impatience = 0.8
    /// More steps than that change nothing any more.
    private static let longestIdle = 200

    private var paces: [Pace]

    /// Nothing is known yet of so many rollouts.
    package init(rollouts: Int) { paces = Array(repeating: Pace(), count: rollouts) }

    /// Takes in what the rollouts did in a step, in their order. Seconds that can be none of a clock are passed over.
    package mutating func note(_ work: [Work]) {
        precondition(work.count == paces.count, "work of \(work.count) rollouts, of which there are \(paces.count)")
        for (place, work) in work.enumerated() {
            guard work.groups > 0 else {
                paces[place].idle = min(paces[place].idle + 1, Self.longestIdle)
                continue
            }
            guard work.seconds.isFinite, work.seconds > 0 else { continue }
            // Of what was so long ago that nobody expected it to hold, nothing is kept.
            if paces[place].idle > 0 { paces[place] = Pace() }
            paces[place].recent.append(work.seconds / Double(work.groups))
            if paces[place].recent.count > Self.remembered { paces[place].recent.removeFirst() }
        }
    }

    /// The seconds that a group is thought to take on each rollout; nil while nothing is known of any. One of which nothing is known is
    /// thought to be as fast as the fastest.
    package var secondsPerGroup: [Double]? {
        let known = paces.map { Self.median($0.recent) }
        guard let least = known.compactMap({ $0 }).min() else { return nil }
        return zip(known, paces).map { seconds, pace in
            (0..<pace.idle).reduce(seconds ?? least) { seconds, _ in seconds * Self.impatience }
        }
    }

    /// The rollout of each slot.
    package func assignment(ofSlots count: Int) -> [Int] {
        guard let seconds = secondsPerGroup else { return Self.even(slots: count, rollouts: paces.count) }
        var finishing = seconds
        var shares = Array(repeating: 1, count: seconds.count)
        return (0..<count).map { _ in
            var next = 0
            for place in 1..<max(1, finishing.count) where finishing[place] < finishing[next] { next = place }
            shares[next] += 1
            finishing[next] = Double(shares[next]) * seconds[next]
            return next
        }
    }

    /// The rollout of each slot as long as nothing is known, or where a run goes on.
    package static func even(slots: Int, rollouts: Int) -> [Int] { (0..<slots).map { $0 % rollouts } }

    /// Groups that a rollout samples together at most: half as many again as its even share. Memory is planned for them.
    package static func groupsTogether(slots: Int, rollouts: Int) -> Int {
        let share = (slots + rollouts - 1) / rollouts
        return max(1, min(slots, share + (share + 1) / 2))
    }

    private static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted(), middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? 0.5 * (sorted[middle - 1] + sorted[middle]) : sorted[middle]
    }
}
