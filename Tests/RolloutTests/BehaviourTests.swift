import Testing

@testable import Rollout

@Suite("Behaviour")
struct BehaviourTests {
    private static let addresses = (0..<100).flatMap { step in (0..<20).map { GroupAddress(step: step, slot: $0) } }

    private func temperatures(_ behaviour: Behaviour, seed: UInt64 = 1) -> [Float] {
        Self.addresses.map { behaviour.temperature(at: $0, seed: seed) }
    }

    @Test("without a range or a share, all groups have the one temperature")
    func fixed() {
        #expect(temperatures(Behaviour()).allSatisfy { $0 == 1 })
        #expect(temperatures(Behaviour(temperature: 0.7)).allSatisfy { $0 == 0.7 })
        #expect(temperatures(Behaviour(temperature: 0.7, highest: 0.7)).allSatisfy { $0 == 0.7 })
        #expect(temperatures(Behaviour(temperature: 0.7, temperedShare: 0)).allSatisfy { $0 == 1 })
    }

    @Test("the share of groups is tempered, uniformly in the range")
    func drawn() {
        let drawn = temperatures(Behaviour(temperature: 0.5, highest: 2, temperedShare: 2 / 3))
        let tempered = drawn.filter { $0 != 1 }.map(Double.init)
        #expect(tempered.allSatisfy { (0.5...2).contains($0) })
        // Four standard deviations of a share of 2/3 among 2,000 groups are 0.042, of the mean of 1,333 uniform draws 0.047.
        #expect(abs(Double(tempered.count) / 2000 - 2 / 3) < 0.042)
        #expect(abs(tempered.reduce(0, +) / Double(tempered.count) - 1.25) < 0.047)
        #expect(tempered.count { $0 < 0.875 } > 250 && tempered.count { $0 > 1.625 } > 250, "all quarters of the range")
    }

    @Test("a temperature follows from seed and address")
    func deterministic() {
        let behaviour = Behaviour(temperature: 0.5, highest: 2)
        #expect(temperatures(behaviour) == temperatures(behaviour))
        #expect(temperatures(behaviour) != temperatures(behaviour, seed: 2))
        #expect(Set(temperatures(behaviour)).count > 1900)
    }

    @Test("more tempered groups are the same ones and some more")
    func nested() {
        let (few, many) = (0.3, 0.6)
        let pairs = zip(
            temperatures(Behaviour(temperature: 0.5, temperedShare: few)), temperatures(Behaviour(temperature: 0.5, temperedShare: many)))
        #expect(pairs.allSatisfy { $0 == 1 || $1 == 0.5 })
    }
}
