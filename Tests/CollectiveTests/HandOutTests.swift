import Collective
import Testing

@Suite("The hand-out of slots to rollouts")
struct HandOutTests {
    /// After some steps in which a group took these seconds on each rollout, whoever sampled it.
    private static func seen(_ seconds: [Double], slots: Int, steps: Int = 6) -> HandOut {
        var handOut = HandOut(rollouts: seconds.count)
        for _ in 0..<steps { step(&handOut, seconds, slots: slots) }
        return handOut
    }

    /// One step as it was handed out; returns the groups of each rollout.
    @discardableResult
    private static func step(_ handOut: inout HandOut, _ seconds: [Double], slots: Int) -> [Int] {
        let counts = counts(handOut.assignment(ofSlots: slots), of: seconds.count)
        handOut.note(zip(counts, seconds).map { .init(groups: $0, seconds: Double($0) * $1) })
        return counts
    }

    private static func counts(_ assignment: [Int], of rollouts: Int) -> [Int] {
        assignment.reduce(into: Array(repeating: 0, count: rollouts)) { $0[$1] += 1 }
    }

    /// Until all are ready, where each group takes these seconds.
    private static func time(_ assignment: [Int], _ seconds: [Double]) -> Double {
        zip(counts(assignment, of: seconds.count), seconds).map { Double($0) * $1 }.max() ?? 0
    }

    @Test("as long as nothing is known, and where all are equally fast, slots go round", arguments: 1...5)
    func even(rollouts: Int) {
        let round = (0..<12).map { $0 % rollouts }
        #expect(HandOut(rollouts: rollouts).assignment(ofSlots: 12) == round)
        #expect(HandOut.even(slots: 12, rollouts: rollouts) == round)
        #expect(Self.seen(Array(repeating: 0.7, count: rollouts), slots: 12).assignment(ofSlots: 12) == round)
        #expect(HandOut(rollouts: rollouts).assignment(ofSlots: 0) == [])
    }

    @Test("one rollout that takes twice as long has half as much, as near as whole groups allow", arguments: [2, 4, 8], [8, 16, 64])
    func twiceAsSlow(rollouts: Int, slots: Int) {
        for slow in [0, rollouts - 1] {
            var seconds = Array(repeating: 1.0, count: rollouts)
            seconds[slow] = 2
            let time = Self.time(Self.seen(seconds, slots: slots).assignment(ofSlots: slots), seconds)
            let ideal = Double(slots) / seconds.reduce(0) { $0 + 1 / $1 }
            // The least there is: nobody can do part of a group.
            let best = (1...2 * slots).lazy.map(Double.init).first { time in seconds.reduce(0) { $0 + Int(time / $1) } >= slots }
            #expect(time == best)
            // With one or two groups for each, a group is too large a part: 8 of 4 (3 s against 2.29), 8 of 8 (2 against 1.07), 16 of 8
            // (3 against 2.13).
            if slots >= 4 * rollouts { #expect(time <= 1.15 * ideal, "\(time) s against \(ideal)") }
            #expect(time <= Self.time(HandOut.even(slots: slots, rollouts: rollouts), seconds))
        }
    }

    @Test("every slot has one rollout, whatever was seen")
    func total() {
        var generator = SystemRandomNumberGenerator()
        for rollouts in 1...9 {
            var handOut = HandOut(rollouts: rollouts)
            for _ in 0..<40 {
                let slots = Int.random(in: 0...20, using: &generator)
                let assignment = handOut.assignment(ofSlots: slots)
                #expect(assignment.count == slots && assignment.allSatisfy { (0..<rollouts).contains($0) })
                let work = (0..<rollouts).map { _ in
                    let seconds = [0, -1, .nan, .infinity, 1e-300, 1e300, Double.random(in: 0.1...10, using: &generator)]
                    return HandOut.Work(
                        groups: Int.random(in: 0...4, using: &generator), seconds: seconds.randomElement(using: &generator) ?? 1)
                }
                handOut.note(work)
            }
        }
    }

    @Test("a step that was slow for once changes nothing; three change the hand-out")
    func robust() {
        var handOut = Self.seen([1, 1], slots: 8)
        let before = handOut.assignment(ofSlots: 8)
        handOut.note([.init(groups: 4, seconds: 400), .init(groups: 4, seconds: 4)])
        #expect(handOut.assignment(ofSlots: 8) == before)
        for _ in 0..<3 { handOut.note([.init(groups: 4, seconds: 12), .init(groups: 4, seconds: 4)]) }
        #expect(Self.counts(handOut.assignment(ofSlots: 8), of: 2) == [2, 6])
    }

    @Test("a rollout without groups gets some again, is measured, and has as much as it can do")
    func measuredAgain() {
        // Too slow for even one of eight slots.
        var seconds = [1.0, 1, 100]
        var handOut = HandOut(rollouts: 3)
        var counts = (0..<100).map { _ in Self.step(&handOut, seconds, slots: 8)[2] }
        #expect(counts[0] > 0 && counts.dropFirst().prefix(5).allSatisfy { $0 == 0 })
        let later = counts.dropFirst(5).filter { $0 > 0 }.count
        #expect((1...8).contains(later), "it is asked now and then: \(counts)")
        // Whatever kept it busy has ended.
        seconds[2] = 1
        counts = (0..<40).map { _ in Self.step(&handOut, seconds, slots: 8)[2] }
        #expect(counts.suffix(10).allSatisfy { $0 >= 2 }, "\(counts)")
    }

    @Test("with fewer slots than rollouts all of them are measured")
    func fewSlots() {
        var handOut = HandOut(rollouts: 4)
        var total = [0, 0, 0, 0]
        for _ in 0..<20 { total = zip(total, Self.step(&handOut, [2, 2, 1, 2], slots: 2)).map(+) }
        #expect(total.allSatisfy { $0 > 0 } && total[2] == total.max(), "\(total)")
    }

    @Test("it settles where all are ready together, also where a group of many takes less than one alone")
    func settles() {
        // A pass takes 8, a group 1, and all of it twice as long on the second.
        func time(_ groups: Int, at place: Int) -> Double { groups == 0 ? 0 : Double(place + 1) * (8 + Double(groups)) }
        var handOut = HandOut(rollouts: 2)
        var counts = [0, 0]
        for _ in 0..<30 {
            counts = Self.counts(handOut.assignment(ofSlots: 16), of: 2)
            handOut.note(counts.enumerated().map { .init(groups: $1, seconds: time($1, at: $0)) })
        }
        let last = max(time(counts[0], at: 0), time(counts[1], at: 1))
        #expect(last <= 24 && last < time(8, at: 1), "21.3 would be ideal: \(counts)")
    }

    @Test("half as many as its even share again are sampled together, and no more than there are")
    func together() {
        #expect(HandOut.groupsTogether(slots: 8, rollouts: 1) == 8)
        #expect(HandOut.groupsTogether(slots: 8, rollouts: 2) == 6)
        #expect(HandOut.groupsTogether(slots: 8, rollouts: 3) == 5)
        #expect(HandOut.groupsTogether(slots: 3, rollouts: 8) == 2)
        #expect(HandOut.groupsTogether(slots: 1, rollouts: 8) == 1)
    }
}
