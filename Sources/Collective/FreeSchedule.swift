/// Which groups rollouts that run free may begin, and which of them a step learns from, so that none is older than a bound when it is
/// learned from, and none is left over: a pure value, kept by rank 0.
///
/// Rollouts are named by their place among the rollouts; the groups of each are counted from 0 in the order in which it begins them.
/// With each version every rollout hears its limit, the groups that it may have begun in all. At most `perStep` · (`bound` + 1) groups are
/// granted and not learned from, so many as the steps until the bound is reached learn from. A step takes the oldest of those that have
/// arrived, and waits while one that has not would have to come later than the bound allows.
package struct FreeSchedule: Sendable, Equatable {
    /// Granted, and not learned from yet.
    private struct Group: Sendable, Equatable {
        /// Of the weights that it is sampled with, or the oldest that it may be, as long as it has not begun.
        var version: Int
        var hasBegun = false
        /// Its turn among all that have arrived; nil: it has not.
        var arrival: Int?
    }

    /// Groups that a step learns from.
    package let perStep: Int
    private let bound: Int, total: Int
    /// That the next step learns from.
    package private(set) var version: Int
    /// The groups that each rollout may have begun, in all.
    package private(set) var limits: [Int]
    private var open: [[Group]]
    private var arrivals = 0

    /// - Parameters:
    ///   - perStep: groups that a step learns from.
    ///   - bound: the largest age, in versions.
    ///   - version: what the run has, and `last` what it ends with.
    package init(rollouts: Int, perStep: Int, bound: Int, version: Int, last: Int) {
        precondition(rollouts > 0 && perStep > 0 && bound > 0 && last >= version, "a free run of \(rollouts) rollouts")
        (self.perStep, self.bound, self.version) = (perStep, bound, version)
        total = perStep * (last - version)
        limits = Array(repeating: 0, count: rollouts)
        open = Array(repeating: [], count: rollouts)
        grant()
    }

    /// Grants go to who has the fewest open ones: who is fast is soon granted more.
    private mutating func grant() {
        var (count, granted) = (open.reduce(0) { $0 + $1.count }, limits.reduce(0, +))
        while count < perStep * (bound + 1), granted < total {
            let place = open.indices.min { (open[$0].count, $0) < (open[$1].count, $1) } ?? 0
            open[place].append(Group(version: version))
            limits[place] += 1
            (count, granted) = (count + 1, granted + 1)
        }
    }

    /// A rollout begins its next groups with a version. False: it may not.
    package mutating func begin(_ count: Int, at place: Int, with version: Int) -> Bool {
        let waiting = open[place].indices.filter { !open[place][$0].hasBegun }
        guard count > 0, count <= waiting.count, version <= self.version,
            waiting.prefix(count).allSatisfy({ open[place][$0].version <= version })
        else { return false }
        for (index, group) in waiting.enumerated() {
            open[place][group].version = max(open[place][group].version, version)
            if index < count { open[place][group].hasBegun = true }
        }
        return true
    }

    /// Groups of a rollout have arrived, in their order, sampled with these versions. False: they have not begun so.
    package mutating func arrive(_ versions: [Int], from place: Int) -> Bool {
        let waiting = open[place].indices.filter { open[place][$0].hasBegun && open[place][$0].arrival == nil }
        guard versions.count <= waiting.count, zip(versions, waiting).allSatisfy({ $0 == open[place][$1].version }) else { return false }
        for index in waiting.prefix(versions.count) {
            open[place][index].arrival = arrivals
            arrivals += 1
        }
        return true
    }

    /// The rollouts whose next groups the next step learns from, in the order of the step; nil: it has to wait.
    package var choice: [Int]? {
        var arrived: [(version: Int, arrival: Int, place: Int)] = []
        for (place, groups) in open.enumerated() {
            for group in groups { if let arrival = group.arrival { arrived.append((group.version, arrival, place)) } }
        }
        guard arrived.count >= perStep else { return nil }
        let chosen = arrived.sorted { ($0.version, $0.arrival) < ($1.version, $1.arrival) }.prefix(perStep).map(\.place)
        var rest = open
        for place in chosen { rest[place].removeFirst() }
        // What is left has to fit into the steps until each is too old.
        let versions = rest.joined().map(\.version).sorted()
        for (index, version) in versions.enumerated() where index + 1 > perStep * (version + bound - self.version) { return nil }
        return chosen
    }

    /// The step has learned from `choice`, which made the next version; its limits stand then.
    package mutating func advance(past chosen: [Int]) {
        for place in chosen { open[place].removeFirst() }
        version += 1
        grant()
    }
}
