import Collective
import Evaluation
import Foundation
import Learner
import Model
import Problems
import Rollout
import Tensor
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("What verify certifies, and what it does not")
    struct VerifyFaults {
        /// Mistakes that a trainer may well make. Each is planted in the run that trains, and judged by the task as it is.
        enum Fault: String, CaseIterable, CustomTestStringConvertible {
            case none
            /// + log R where − log R belongs.
            case signOfTerm
            /// e_i is left out of the residuals.
            case stopTermDropped
            /// A state has the reward of the one before it.
            case maskOffByOne
            /// The loss sees the log-probabilities that were recorded when a response was sampled, not the current ones.
            case staleWeights
            /// It is π at a temperature that is trained, and π at 1 that samples: as if the logits had been multiplied since.
            case temperedSampling
            /// α·log π_ref is left out of log R.
            case referenceLeftOut
            /// A response that a group holds twice has twice its reward.
            case duplicateCountedTwice
            /// log Z stays where the first batch put it.
            case rootNotLearned

            var testDescription: String { rawValue }

            /// The method in which the mistake is made.
            var objective: String {
                switch self {
                case .staleWeights: "vargrad"
                case .rootNotLearned: "tb"
                default: "subtb"
                }
            }
        }

        /// A small network of its own, so that the whole of a run takes seconds.
        private static let network = TransformerConfiguration(
            hiddenSize: 32, intermediateSize: 48, layerCount: 1, headCount: 2, keyValueHeadCount: 2, headSize: 16,
            vocabularySize: PathSum.modelConfiguration.vocabularySize, contextLength: 64, tiedEmbeddings: false,
            beginToken: PathSum.modelConfiguration.beginToken, endTokens: PathSum.modelConfiguration.endTokens)

        private static func workspace(_ fault: Fault) throws -> Workspace {
            var layers = ConfigurationLayers()
            try layers.lay(task: "verify:sixteen", trainsAll: true)
            let settings = [
                "model": "random", "trainable": "full", "data.train": "verify:sixteen", "objective": fault.objective, "threads": "1",
                "train.steps": "200", "train.learning_rate": "5e-3", "reward.reference": "1", "replay.share": fault == .staleWeights ? "0.75" : "0.34",
                "replay.keep": "all", "replay.priority": "uniform",
            ]
            for (name, value) in settings.merging(fault == .rootNotLearned ? ["root.learning_rate": "0"] : [:], uniquingKeysWith: { $1 }) {
                layers.set(name, to: value, from: Origin(description: "test"))
            }
            var workspace = try Workspace(try RunConfiguration(layers), ranksOnNode: 4, needsGradients: true)
            workspace.base = try BaseModel(randomly: network, seed: 1, precision: .bf16, gradients: true, parallel: .serial)
            return workspace
        }

        private static func certificate(_ fault: Fault) throws -> Certificate {
            let judge = try workspace(fault)
            var trained = judge
            if fault == .maskOffByOne { trained.training = ShiftedRewards(of: judge.training) }
            let temporary = try TemporaryFolder()
            let workspace = trained, folder = RunFolder(path: temporary.path)
            let certificates = try runInProcess(ranks: 4) { communicator -> Certificate? in
                let context = try RunContext(
                    workspace: workspace, communicator: communicator, folder: folder, checkpoint: nil, quiet: true)
                context.saysResult = false
                if fault == .referenceLeftOut { context.rewards.referenceExponent = LinearSchedule(constant: 0) }
                context.method = PlantedFault(fault, in: context.method)
                guard let outcome = try TrainingRun(context).run() else { return nil }
                var bits = outcome.bits
                if fault == .temperedSampling {
                    let layout = context.policy.layout
                    for entry in layout.entries where entry.name == "model.norm.weight" {
                        for index in entry.range { bits[index] = [widen([bits[index]])[0] * 1.5].roundedToBFloat16[0] }
                    }
                }
                let verification = Verification(workspace: judge, task: judge.training, communicator: communicator)
                return try verification.scores(of: bits, root: outcome.root).map {
                    verification.certificate(of: $0, bounds: CertificateBounds())
                }
            }
            return try #require(certificates[0])
        }

        @Test("a run without a mistake is certified, and none with one", arguments: cases(Fault.allCases, inDebugEach: 4))
        func fault(fault: Fault) throws {
            let certificate = try Self.certificate(fault)
            let figures = certificate.figures[0]
            let text = "total variation \(figures.totalVariation), log Z gap \(figures.learnedLogPartitionGap ?? figures.impliedLogPartitionGap)"
            if fault == .none {
                #expect(certificate.holds, "\(text)")
            } else {
                #expect(!certificate.holds, "\(text)")
                // Far beyond the bounds, not by a hair.
                #expect(figures.totalVariation > 0.06 || abs(figures.learnedLogPartitionGap ?? 0) > 0.06, "\(text)")
            }
        }
    }
}

/// A method with a mistake in it.
private struct PlantedFault: Objective {
    let fault: ProgramTests.VerifyFaults.Fault
    let method: any Objective

    init(_ fault: ProgramTests.VerifyFaults.Fault, in method: any Objective) { (self.fault, self.method) = (fault, method) }

    var needs: Needs { method.needs }
    var measureNames: [String] { method.measureNames }

    func credits(of groups: [[Learner.SampledResponse]]) -> [[Credit]]? { method.credits(of: groups) }

    func logPartitions(of responses: [ScoredResponse]) -> [Double] { method.logPartitions(of: seen(responses)) }

    func evaluate(_ responses: [ScoredResponse], root: Double?, batch: BatchTotals) -> ObjectiveValue {
        var value = method.evaluate(seen(responses), root: root, batch: batch)
        if fault == .stopTermDropped {
            for k in value.slopes.indices { value.slopes[k].stop = value.slopes[k].stop.map { _ in 0 } }
        }
        return value
    }

    /// The responses as the mistake makes them look.
    private func seen(_ responses: [ScoredResponse]) -> [ScoredResponse] {
        responses.map { response in
            var response = response
            switch fault {
            case .signOfTerm: response.logRewards = response.logRewards.map { -$0 }
            case .stopTermDropped: response.stopLogProbabilities = response.stopLogProbabilities.map { _ in 0 }
            case .duplicateCountedTwice:
                let count = responses.count { $0.sample == response.sample && $0.tokenLogProbabilities == response.tokenLogProbabilities }
                if let last = response.logRewards.indices.last { response.logRewards[last] += log(Double(count)) }
            case .staleWeights:
                guard let recorded = response.sample?.behaviour else { return response }
                let n = response.tokenLogProbabilities.count
                response.tokenLogProbabilities = Array(recorded.prefix(n))
                response.stopLogProbabilities[n] = recorded[n]
            default: break
            }
            return response
        }
    }
}

/// A task in which a state has the reward of the terminable state before it.
private struct ShiftedRewards: Task {
    let task: any Task

    init(of task: any Task) { self.task = task }

    var name: String { task.name }
    var problemCount: Int { task.problemCount }
    var stopTokens: StopTokens { task.stopTokens }
    var taughtStop: Int32 { task.taughtStop }
    var defaultMaxNewTokens: Int { task.defaultMaxNewTokens }
    func question(of problem: Int) -> String { task.question(of: problem) }
    func gold(of problem: Int) -> String? { task.gold(of: problem) }
    func promptTokens(of problem: Int) -> [Int32] { task.promptTokens(of: problem) }
    func verdict(on response: [Int32], stop: StopReason, problem: Int) -> Verdict { task.verdict(on: response, stop: stop, problem: problem) }
    func demonstration(of problem: Int, sample: Int) -> [Int32]? { nil }
    func text(of tokens: [Int32]) -> String { task.text(of: tokens) }
    func responseTokens(of text: String, to problem: Int) -> [Int32] { task.responseTokens(of: text, to: problem) }
    func isStepEnd(_ token: Int32) -> Bool { task.isStepEnd(token) }
    var stepEnd: [Int32] { task.stepEnd }
    func legalResponses(to problem: Int) -> TokenTree? { task.legalResponses(to: problem) }
    func states(of response: [Int32], stop: StopReason, problem: Int) -> [TerminableState] {
        var states = task.states(of: response, stop: stop, problem: problem)
        for index in states.indices.dropFirst().reversed() { states[index].process = states[index - 1].process }
        return states
    }
}
