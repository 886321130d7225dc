import Learner
import Tensor
import TestSupport
import Testing

@Suite("Preference losses") struct PreferenceLossTests {
    private let pair = PreferencePair(chosen: 1.25, rejected: -0.5, chosenLength: 4, rejectedLength: 3)

    @Test("slopes are derivatives in both sums", arguments: PreferenceLoss.Kind.allCases, [0, 0.1])
    func slopes(kind: PreferenceLoss.Kind, smoothing: Double) {
        let loss = PreferenceLoss(kind, beta: 0.3, labelSmoothing: smoothing), step = 1e-6
        for change in [-9.0, 0, 0.5] {
            var start = pair
            start.chosen += change
            func slope(_ path: WritableKeyPath<PreferencePair, Double>) -> Double {
                var (above, below) = (start, start)
                above[keyPath: path] += step
                below[keyPath: path] -= step
                return (loss.loss(above).loss - loss.loss(below).loss) / (2 * step)
            }
            expectClose(loss.loss(start).chosenSlope, slope(\.chosen), relative: 1e-7, absolute: 1e-9)
            expectClose(loss.loss(start).rejectedSlope, slope(\.rejected), relative: 1e-7, absolute: 1e-9)
        }
    }

    @Test("a margin of hundreds, either way, is finite and as defined")
    func saturation() {
        for (difference, loss, slope) in [(800.0, 0.0, 0.0), (-800, 800, -1), (1e6, 0, 0), (-1e6, 1e6, -1)] {
            let pair = PreferencePair(chosen: difference, rejected: 0, chosenLength: 9, rejectedLength: 9)
            let plain = PreferenceLoss(.sigmoid, beta: 1).loss(pair)
            #expect(plain.loss == loss && plain.chosenSlope == slope && plain.rejectedSlope == -slope)
            // A wrong label of share ε costs ε |βΔ| where the policy is certain of the right one.
            let smoothed = PreferenceLoss(.sigmoid, beta: 1, labelSmoothing: 0.25).loss(pair)
            expectClose(smoothed.loss, difference > 0 ? 0.25 * difference : -0.75 * difference, relative: 1e-15)
            expectClose(smoothed.chosenSlope, difference > 0 ? 0.25 : -0.75, relative: 1e-15)
            for kind in PreferenceLoss.Kind.allCases {
                let value = PreferenceLoss(kind, beta: 1, labelSmoothing: 0.25).loss(pair)
                #expect([value.loss, value.chosenSlope, value.rejectedSlope].allSatisfy { $0.isFinite })
            }
        }
    }

    @Test("the log-sigmoid keeps its digits where 1 + e^(−x) rounds them away")
    func logSigmoid() {
        #expect(Logistic.logSigmoid(0) == -Elementary.log(2) && Logistic.sigmoid(0) == 0.5)
        // −log σ(x) = e^(−x) − e^(−2x)/2 + …
        for x in [20.0, 40, 300] {
            let e = Elementary.exp(-x)
            expectClose(Logistic.logSigmoid(x), -e + e * e / 2, relative: 1e-15)
            #expect(Logistic.logSigmoid(-x) == -x + Logistic.logSigmoid(x))
            expectClose(Logistic.sigmoid(-x), e, relative: 1e-8)
        }
        #expect(Logistic.logSigmoid(-.infinity) == -.infinity && Logistic.logSigmoid(.infinity) == 0)
    }

    @Test("hinge has no slope once the margin is reached; a policy equal to its reference wins nothing")
    func margins() {
        let reached = PreferenceLoss(.hinge, beta: 0.5).loss(
            PreferencePair(chosen: 2, rejected: 0, chosenLength: 1, rejectedLength: 1))
        #expect(reached.loss == 0 && reached.chosenSlope == 0 && reached.rejectedSlope == 0 && reached.chosenWins)
        let equal = PreferenceLoss(.sigmoid, beta: 0.1).loss(
            PreferencePair(chosen: 0, rejected: 0, chosenLength: 3, rejectedLength: 3))
        #expect(equal.loss == Elementary.log(2) && equal.chosenSlope == -0.05 && !equal.chosenWins)
    }

    @Test("responses without actions are finite", arguments: PreferenceLoss.Kind.allCases)
    func emptyResponses(kind: PreferenceLoss.Kind) {
        let value = PreferenceLoss(kind, beta: 0.1).loss(
            PreferencePair(chosen: 0, rejected: 0, chosenLength: 0, rejectedLength: 0))
        #expect([value.loss, value.chosenSlope, value.rejectedSlope].allSatisfy { $0.isFinite })
        #expect(ChosenLikelihood(weight: 1).loss(logProbability: 0, length: 0) == (0, 0))
    }

    @Test("the likelihood of the chosen response is a mean over its actions")
    func likelihood() {
        #expect(ChosenLikelihood(weight: 0.5).loss(logProbability: -6, length: 4) == (0.75, -0.125))
    }

    @Test("what no loss can work with is said")
    func problems() {
        #expect(PreferenceLoss(.robust, beta: 0.1, labelSmoothing: 0.1).problems().isEmpty)
        #expect(PreferenceLoss(.robust, beta: 0, labelSmoothing: 0.5).problems().count == 2)
        #expect(PreferenceLoss(.sigmoid, beta: .nan, labelSmoothing: .nan).problems().count == 2)
    }
}
