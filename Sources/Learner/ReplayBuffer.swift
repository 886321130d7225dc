internal import Foundation
package import Rollout
internal import Tensor

/// The most useful trajectories so far, by prompt, each response once, and of near-duplicates the best.
///
/// Trajectories are kept with the un-tempered parts of their rewards, so that the schedules of the step that learns from
/// them apply. The content follows from the history of insertions alone, and a choice from the content and its address.
package struct ReplayBuffer: Sendable, Equatable {
    package enum Priority: String, Sendable, CaseIterable, Codable {
        /// Every trajectory alike.
        case uniform
        /// In proportion to its reward R at this step.
        case reward
        /// The newer the likelier: the chance halves with every quarter of the capacity.
        case recency
    }

    package struct Settings: Sendable, Equatable, Codable {
        package var capacityPerPrompt: Int
        package var priority: Priority
        /// Whether only responses whose end is right are kept.
        package var keepsOnlyCorrect: Bool

        package init(capacityPerPrompt: Int = 50, priority: Priority = .uniform, keepsOnlyCorrect: Bool = false) {
            self.capacityPerPrompt = capacityPerPrompt
            self.priority = priority
            self.keepsOnlyCorrect = keepsOnlyCorrect
        }

        package func problems() -> [String] {
            capacityPerPrompt >= 2 ? [] : ["replay.capacity_per_prompt is \(capacityPerPrompt); a group needs at least 2"]
        }
    }

    struct Entry: Sendable, Equatable {
        private(set) var packed: PackedTrajectory
        var sampledWith: Int

        init(_ trajectory: Trajectory, sampledWith: Int) { (packed, self.sampledWith) = (PackedTrajectory(trajectory), sampledWith) }

        var trajectory: Trajectory { packed.trajectory }
    }

    /// What is kept of one prompt, oldest first.
    struct Shelf: Sendable, Equatable {
        var prompt: [Int32]
        var entries: [Entry]
    }

    package let settings: Settings
    /// Nil: responses are duplicates only when they are equal. Code rather than content: it is in no checkpoint.
    private let similarity: Similarity?
    private(set) var shelves: [Int: Shelf]

    package init(_ settings: Settings, similarity: Similarity? = nil) {
        self.init(settings, similarity: similarity, shelves: [:])
    }

    init(_ settings: Settings, similarity: Similarity? = nil, shelves: [Int: Shelf]) {
        self.settings = settings
        self.similarity = similarity
        self.shelves = shelves
    }

    /// The same trajectories under other settings, as far as those keep them; a prompt that has too many loses them with its next
    /// group, and near-duplicates of before go when something like them comes.
    package func with(_ settings: Settings, similarity: Similarity? = nil) -> ReplayBuffer {
        guard settings.keepsOnlyCorrect, !self.settings.keepsOnlyCorrect else {
            return ReplayBuffer(settings, similarity: similarity, shelves: shelves)
        }
        let correct = shelves.mapValues { Shelf(prompt: $0.prompt, entries: $0.entries.filter(\.packed.isCorrect)) }
        return ReplayBuffer(settings, similarity: similarity, shelves: correct.filter { !$0.value.entries.isEmpty })
    }

    /// Of settings and content.
    package static func == (a: ReplayBuffer, b: ReplayBuffer) -> Bool { a.settings == b.settings && a.shelves == b.shelves }

    /// The largest token id of prompts and responses; nil when there are none.
    package var largestToken: Int32? {
        shelves.values.lazy.flatMap { shelf in
            shelf.entries.lazy.compactMap { $0.packed.response.max() } + CollectionOfOne(shelf.prompt.max()).compactMap { $0 }
        }.max()
    }

    /// What a trajectory takes beside itself, in bytes: its place in an array that doubles when it is full, on average.
    package static let entryBytes = MemoryLayout<Entry>.stride * 3 / 2

    /// Trajectories in all.
    package var count: Int { shelves.values.reduce(0) { $0 + $1.entries.count } }
    /// Those that have trajectories, ascending.
    package var promptIDs: [Int] { shelves.keys.sorted() }
    /// The oldest first.
    package func trajectories(ofPrompt promptID: Int) -> [Trajectory] { shelves[promptID]?.entries.map(\.trajectory) ?? [] }
    package func prompt(ofPrompt promptID: Int) -> [Int32] { shelves[promptID]?.prompt ?? [] }
    package func count(ofPrompt promptID: Int) -> Int { shelves[promptID]?.entries.count ?? 0 }

    /// Takes in groups in the given order; a response that is there already is replaced by its newer record. One that is only like
    /// others replaces them if none of them has a larger un-tempered reward, and else stays out.
    ///
    /// Where a prompt has more than its capacity, the oldest go, or with priority `reward` those of the least un-tempered
    /// reward, the oldest first among equals.
    ///
    /// Returns how many of the responses that were worth keeping were there already, or something like them.
    @discardableResult
    package mutating func insert(_ groups: [TrajectoryGroup], reward: RewardSettings) -> Int {
        var duplicates = 0
        for group in groups {
            var shelf = shelves[group.promptID] ?? Shelf(prompt: group.prompt, entries: [])
            for trajectory in group.trajectories where trajectory.isCorrect || !settings.keepsOnlyCorrect {
                let (same, isBetter) = rivals(of: trajectory, among: shelf.entries, reward: reward)
                if !same.isEmpty { duplicates += 1 }
                guard isBetter else { continue }
                for index in same.reversed() { shelf.entries.remove(at: index) }
                shelf.entries.append(Entry(trajectory, sampledWith: group.sampledWith))
            }
            while shelf.entries.count > settings.capacityPerPrompt {
                shelf.entries.remove(at: settings.priority == .reward ? worst(shelf.entries, by: reward) : 0)
            }
            if !shelf.entries.isEmpty { shelves[group.promptID] = shelf }
        }
        return duplicates
    }

    /// How many versions ago the trajectories that are kept were sampled, on average; nil when there are none.
    package func meanAge(at version: Int) -> Double? {
        let ages = shelves.values.flatMap { $0.entries.map { version - $0.sampledWith } }
        return ages.isEmpty ? nil : Double(ages.reduce(0, +)) / Double(ages.count)
    }

    /// Which entries a newcomer would take the place of, in ascending order, and whether it does.
    ///
    /// An equal response is the only rival: among those that are kept, nothing else is like it.
    private func rivals(of newcomer: Trajectory, among entries: [Entry], reward: RewardSettings) -> (indices: [Int], isBetter: Bool) {
        let equal = entries.indices.filter { entries[$0].packed.isResponse(newcomer.response) }
        guard equal.isEmpty, let similarity else { return (equal, true) }
        let near = entries.indices.filter { similarity.areNearDuplicates(newcomer.response, entries[$0].packed.response) }
        let own = newcomer.states.last.map(reward.untempered) ?? -.infinity
        return (near, near.allSatisfy { Self.untempered(entries[$0], reward) <= own })
    }

    private func worst(_ entries: [Entry], by reward: RewardSettings) -> Int {
        let rewards = entries.map { Self.untempered($0, reward) }
        return rewards.indices.min { rewards[$0] < rewards[$1] } ?? 0
    }

    /// The task's part of log R of the whole response, before tempering and without the reference.
    private static func untempered(_ entry: Entry, _ reward: RewardSettings) -> Double {
        entry.packed.lastState.map(reward.untempered) ?? -.infinity
    }

    /// Up to `count` groups of distinct prompts, each of up to `size` and at least two distinct trajectories.
    ///
    /// A group's draws have the address (seed, replay, step, its slot); slots count on from `firstSlot`. Fewer groups come
    /// back while there are not enough prompts with two trajectories. A group counts as sampled with the oldest version in it.
    package func groups(
        _ count: Int, size: Int, seed: UInt64, step: Int, firstSlot: Int, reward: RewardSettings
    ) -> [TrajectoryGroup] {
        precondition(size >= 2, "replay groups of \(size)")
        var eligible = shelves.filter { $0.value.entries.count >= 2 }.keys.sorted()
        var groups: [TrajectoryGroup] = []
        for slot in firstSlot..<firstSlot + max(count, 0) {
            guard !eligible.isEmpty else { break }
            var random = RandomStream(seed: seed, purpose: .replay, step: step, slot: slot)
            let promptID = eligible.remove(at: Int(random.next() % UInt64(eligible.count)))
            guard let shelf = shelves[promptID] else { continue }
            // The largest of log weight + Gumbel noise: a draw without replacement in proportion to the weights.
            let keys = zip(shelf.entries.indices, logWeights(shelf.entries, reward: reward, step: step)).map { index, weight in
                (index: index, key: weight - Elementary.log(-Elementary.log(Double(random.uniform()) + 0x1p-25)))
            }
            let chosen = keys.sorted { ($0.key, $1.index) > ($1.key, $0.index) }.prefix(size).map { shelf.entries[$0.index] }
            groups.append(
                TrajectoryGroup(
                    address: GroupAddress(step: step, slot: slot), promptID: promptID, prompt: shelf.prompt,
                    trajectories: chosen.map(\.trajectory), sampledWith: chosen.map(\.sampledWith).min() ?? 0))
        }
        return groups
    }

    private func logWeights(_ entries: [Entry], reward: RewardSettings, step: Int) -> [Double] {
        switch settings.priority {
        case .uniform: entries.map { _ in 0 }
        case .reward: entries.map { reward.logRewards(of: $0.trajectory, step: step).last ?? 0 }
        case .recency:
            entries.indices.map { -Elementary.log(2) * 4 * Double(entries.count - 1 - $0) / Double(settings.capacityPerPrompt) }
        }
    }
}
