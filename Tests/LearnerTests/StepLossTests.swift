import Foundation
import Learner
import Rollout
import TestSupport
import Testing

@Suite("Loss of step labels") struct StepLossTests {
    private static let logits = [0.3, -1.7, 2.4, 0.0, -12.5, 31.0]
    private static let hard: [Double] = [1, 0, 0, 1, 1, 1], soft = [0.25, 0, 0.5, 1, 0.875, 1]

    struct Case: Sendable, CustomTestStringConvertible {
        var loss: StepLoss
        var labels: [Double]
        var value: Double
        var slopes: [Double]
        var testDescription: String { "\(loss)" }
    }

    /// torch 2 in float64: cross_entropy of logits (0, z) with `weight` (w₀, w₁) and `label_smoothing`, and its gradient in z; soft
    /// labels as class probabilities.
    static let cases = [
        Case(
            loss: StepLoss(), labels: hard, value: 2.733688055535825,
            slopes: [-0.07092624719805682, 0.025744210847255786, 0.15280455058434628, -0.08333333333333333, -0.1666660455601193, -5.736152293896642e-15]),
        Case(
            loss: StepLoss(goodWeight: 0.75, badWeight: 1.5), labels: hard, value: 2.382093814344396,
            slopes: [-0.05319468539854262, 0.03861631627088368, 0.22920682587651942, -0.0625, -0.12499953417008948, -4.3021142204224816e-15]),
        Case(
            loss: StepLoss(smoothing: 0.1), labels: hard, value: 2.8845213888691585,
            slopes: [-0.06259291386472349, 0.01741087751392245, 0.14447121725101295, -0.075, -0.15833271222678597, 0.008333333333327595]),
        Case(
            loss: StepLoss(goodWeight: 0.6, badWeight: 3, smoothing: 0.2), labels: hard, value: 2.9134121891021163,
            slopes: [-0.006841462604548387, 0.04361001567030428, 0.29410039972342555, -0.01428571428571429, -0.06428534162178587, 0.03571428571428227]),
        Case(
            loss: StepLoss(), labels: soft, value: 2.3107713888691586,
            slopes: [0.05407375280194317, 0.025744210847255786, 0.06947121725101293, -0.08333333333333333, -0.14583271222678595, -5.736152293896642e-15]),
        Case(
            loss: StepLoss(smoothing: 0.1), labels: soft, value: 2.5038963888691583,
            slopes: [0.049907086135276515, 0.01741087751392245, 0.06947121725101293, -0.075, -0.13958271222678598, 0.008333333333327595]),
    ]

    @Test("value and slopes are PyTorch's", arguments: cases)
    func torch(_ example: Case) {
        let total = example.labels.reduce(0) { $0 + example.loss.weight(of: $1) }
        let terms = zip(Self.logits, example.labels).map { example.loss.term(logit: $0, label: $1) }
        expectClose(terms.reduce(0) { $0 + $1.value } / total, example.value, relative: 1e-13)
        expectClose(terms.map { $0.slope / total }, example.slopes, relative: 1e-9, absolute: 1e-15)
    }

    @Test("slopes are central differences, also for soft labels with weights, where PyTorch has another mean")
    func differences() {
        let loss = StepLoss(goodWeight: 0.7, badWeight: 2.5, smoothing: 0.15)
        for logit in stride(from: -9.0, through: 9, by: 0.75) {
            for label in [0, 0.3, 0.5, 1] {
                let (above, below) = (loss.term(logit: logit + 1e-5, label: label).value, loss.term(logit: logit - 1e-5, label: label).value)
                expectClose(loss.term(logit: logit, label: label).slope, (above - below) / 2e-5, relative: 1e-6, absolute: 1e-9)
            }
        }
    }

    @Test("balanced classes weigh the same in all, and one on average")
    func balance() {
        let labels: [Double] = [1, 1, 1, 0, 1, 1, 0, 1]
        let loss = StepLoss(balancing: labels)
        #expect(loss.goodWeight * 6 == loss.badWeight * 2 && loss.goodWeight * 6 + loss.badWeight * 2 == 8)
        #expect(StepLoss(balancing: [1, 1]) == StepLoss() && StepLoss(balancing: []) == StepLoss())
    }

    /// None are in the package.
    @Test("a loss over '+' and '-' is that of their difference", .enabled(if: externalFixtures("losses") != nil))
    func twoTokens() throws {
        let fixtures = try LossFixtures("sft", in: try #require(externalFixtures("losses")))
        let cases = fixtures.cases.filter { $0.kind == "prm_step" }
        #expect(!cases.isEmpty)
        for example in cases {
            let (logits, labels) = (fixtures.vector(example.id, "step_logits"), fixtures.vector(example.id, "step_labels"))
            let differences = labels.indices.map { logits[2 * $0] - logits[2 * $0 + 1] }
            let terms = zip(differences, labels).map { StepLoss().term(logit: $0, label: $1) }
            let expected = try #require(example.fields["loss"] as? Double)
            expectClose(terms.reduce(0) { $0 + $1.value } / Double(labels.count), expected, relative: 1e-12)
            expectClose(
                differences.map { RewardHead.probability(ofLogit: $0) }, fixtures.vector(example.id, "out.p_good"), relative: 1e-12)
        }
    }
}
