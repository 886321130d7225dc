import Collective
import Learner
import Tensor
import TestSupport
import Testing

/// Gradients of groups whose sizes differ by many orders of magnitude, within a group and between groups.
private func gradients(groups: Int, count: Int) -> [[Float]] {
    (0..<groups).map { slot in
        var random = RandomStream(seed: 5, purpose: .task, slot: slot)
        return (0..<count).map { _ in
            let magnitude = Float(sign: .plus, exponent: Int(random.next() % 40) - 30, significand: 1)
            return (random.uniform() - 0.5) * magnitude
        }
    }
}

/// What `ranks` learners get when slot j is added by learner j % ranks, each in the order `order` makes of its slots.
private func reduced(_ gradients: [[Float]], ranks: Int, order: @escaping @Sendable ([Int]) -> [Int] = { $0 }) throws -> [[UInt32]] {
    try runInProcess(ranks: ranks) { learners in
        let count = gradients[0].count
        var reduction = GradientReduction(count: count)
        reduction.begin()
        for slot in order(gradients.indices.filter { $0 % ranks == learners.rank }) { reduction.add(gradients[slot], slot: slot) }
        let sum = FloatTensor(count)
        let fault = try reduction.finish(over: learners, into: sum.base)
        #expect(fault == nil)
        return sum.array.map(\.bitPattern)
    }
}

@Suite("Gradient reduction") struct ReductionTests {
    @Test("the sum has the same bits on every rank, for any number of ranks and any order", arguments: [1, 2, 3, 5])
    func sameBits(ranks: Int) throws {
        let gradients = gradients(groups: 9, count: 67)
        let expected = try reduced(gradients, ranks: 1)[0]
        for result in try reduced(gradients, ranks: ranks) { #expect(result == expected) }
        for result in try reduced(gradients, ranks: ranks, order: { $0.reversed() }) { #expect(result == expected) }
    }

    @Test("the sum is the rounded sum in Double, for elements from 1e-10 to 1e3")
    func sumIsRight() throws {
        let gradients = gradients(groups: 9, count: 200)
        let actual = try reduced(gradients, ranks: 2)[0].map { Float(bitPattern: $0) }
        let expected = (0..<200).map { index in gradients.reduce(0.0) { $0 + Double($1[index]) } }
        // What cancels leaves an error of one part in 2⁻⁶⁸; what does not, the one rounding to Float.
        expectClose(actual, expected, relative: 6.1e-8, absolute: 1e-18)
    }

    @Test("elements of any size have the bits of the sum in exact integers", arguments: [1, 2, 3, 4])
    func exact(ranks: Int) throws {
        // Sums of magnitudes on both sides of what coarse parts of 32 bits take, and beyond it on one rank alone; parts that are empty.
        for (exponents, count) in [(-60..<10, 50), (-60..<13, 50), (0..<28, 3), (-10..<0, 40_001)] {
            let gradients = (0..<7).map { slot in
                var random = RandomStream(seed: 6, purpose: .task, slot: slot)
                return (0..<count).map { _ in
                    let exponent = exponents.lowerBound + Int(random.next() % UInt32(exponents.count))
                    return Float(sign: random.next() % 2 == 0 ? .plus : .minus, exponent: exponent, significand: 1 + random.uniform())
                }
            }
            let expected = (0..<count).map { index in
                let units = gradients.reduce(Int128(0)) { sum, gradient in
                    let exponent = gradient[index].exponent, significand = Double(gradient[index]) * Double(sign: .plus, exponent: 23 - Int(exponent), significand: 1)
                    // Multiples of 2⁻⁶⁸, rounded to the nearest, ties to even.
                    let shift = Int(exponent) - 23 + 68
                    guard shift < 0 else { return sum + Int128(Int64(significand)) << Int128(shift) }
                    return sum + Int128(Int64((significand * Double(sign: .plus, exponent: shift, significand: 1)).rounded(.toNearestOrEven)))
                }
                return Float(Double(units) * 0x1p-68).bitPattern
            }
            for result in try reduced(gradients, ranks: ranks) { #expect(result == expected, "exponents \(exponents)") }
        }
    }

    @Test("many blocks do not overflow the fine parts")
    func manyBlocks() {
        var sum = FixedPointSum(count: 3)
        let block: [Float] = [0x0.FFFFFFp-17, -0x0.FFFFFFp-18, 0x1p-60]
        for _ in 0..<5000 { #expect(sum.add(block) == nil) }
        #expect(written(sum) == block.map { Float(Double($0) * 5000) })
    }

    private func written(_ sum: FixedPointSum) -> [Float] {
        let written = try? runInProcess(ranks: 1) { learners in
            var copy = sum
            let result = FloatTensor(copy.count)
            try copy.write(over: learners, magnitude: copy.magnitude, to: result.base)
            return result.array
        }
        return written?[0] ?? []
    }

    @Test("a value that is tiny beside another is still counted exactly")
    func tinyValues() {
        var sum = FixedPointSum(count: 2)
        for block: [Float] in [[1e8, 3e-13], [1, -1e-13], [-1e8, 1e-17]] { #expect(sum.add(block) == nil) }
        let result = written(sum)
        #expect(result[0] == 1)
        expectClose(Double(result[1]), Double(3e-13 as Float) - Double(1e-13 as Float) + Double(1e-17 as Float), relative: 1e-7)
    }

    @Test("a sum begun again has nothing of the one before")
    func reset() {
        for first: Float in [3.5, 1e8] {
            var sum = FixedPointSum(count: 1)
            _ = sum.add([first])
            sum.reset()
            _ = sum.add([-0.125])
            #expect(written(sum) == [-0.125])
        }
    }

    @Test("every rank learns of the first slot with NaN, infinity or a value too large", arguments: [1, 2, 3])
    func faults(ranks: Int) throws {
        var gradients = gradients(groups: 6, count: 10)
        gradients[4][2] = .infinity
        gradients[3][7] = .nan
        gradients[5][0] = 1e9
        func faults(_ gradients: [[Float]]) throws -> [GradientFault?] {
            try runInProcess(ranks: ranks) { learners in
                var reduction = GradientReduction(count: 10)
                reduction.begin()
                for slot in gradients.indices where slot % ranks == learners.rank { reduction.add(gradients[slot], slot: slot) }
                var sum = [Float](repeating: -7, count: 10)
                let fault = try reduction.finish(over: learners, into: &sum)
                #expect(sum.allSatisfy { $0 == -7 } == (fault != nil))
                return fault
            }
        }
        #expect(try faults(gradients).allSatisfy { $0?.slot == 3 && $0?.index == 7 && $0?.isTooLarge == false })
        (gradients[3][7], gradients[4][2]) = (0, 0)
        #expect(try faults(gradients).allSatisfy { $0?.slot == 5 && $0?.index == 0 && $0?.isTooLarge == true })
        gradients[5][0] = 0
        #expect(try faults(gradients).allSatisfy { $0 == nil })
    }
}

@Suite("Learned log Z") struct RootFlowTests {
    @Test("its gradient is the central difference of log Z in w and b")
    func gradient() {
        let hidden: [Float] = [0.5, -2, 1.25]
        let weights: [Float] = [0.3, 0.1, -0.7, 4]
        func root(_ parameters: [Float]) -> RootFlow {
            RootFlow(parameters: parameters, optimizer: AdamW(AdamW.Settings(), count: 4), isInitialised: true)
        }
        var gradient: [Float] = [0, 0, 0, 0]
        root(weights).writeGradient(slope: -1.5, hidden: hidden, to: &gradient)
        let expected = weights.indices.map { index in
            var (above, below) = (weights, weights)
            above[index] += 0.25
            below[index] -= 0.25
            return -1.5 * (root(above).logPartition(hidden) - root(below).logPartition(hidden)) / 0.5
        }
        expectClose(gradient, expected, relative: 1e-5)
    }

    @Test("its numbers are those of the plain formulas to the bit, signs of zeros included")
    func bits() {
        let hidden: [Float] = [0.1, -0, 0, -7.3, 1e-30], weights: [Float] = [0.3, 0.1, -0.7, 4, 1e20, -2.2]
        let root = RootFlow(parameters: weights, optimizer: AdamW(AdamW.Settings(), count: 6), isInitialised: true)
        let slope = -1.7, scale = slope / 5.0.squareRoot()
        var gradient: [Float] = [9, 9, 9, 9, 9, 9]
        root.writeGradient(slope: slope, hidden: hidden, to: &gradient)
        let expected = hidden.map { Float(scale * Double($0)) } + [Float(slope)]
        #expect(gradient.map(\.bitPattern) == expected.map(\.bitPattern))
        let products = zip(weights, hidden).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(root.logPartition(hidden) == products / 5.0.squareRoot() + Double(weights[5]))
    }

    @Test("it starts at the bias it is given, for every prompt")
    func initialisation() {
        var root = RootFlow(width: 2)
        #expect(!root.isInitialised && root.logPartition([3, -4]) == 0)
        root.initialise(bias: 17.5)
        #expect(root.isInitialised && root.logPartition([3, -4]) == 17.5)
    }
}
