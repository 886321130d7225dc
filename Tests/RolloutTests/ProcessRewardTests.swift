import Foundation
import Model
import Problems
import Rollout
import Tensor
import TestSupport
import Testing

@Suite("Process reward model") struct ProcessRewardTests {
    private static let configuration = TransformerConfiguration(
        hiddenSize: 16, intermediateSize: 24, layerCount: 2, headCount: 2, keyValueHeadCount: 1, headSize: 8,
        vocabularySize: PathSum.modelConfiguration.vocabularySize, contextLength: 32, endTokens: [2])
    private static let adapter = AdapterConfiguration(rank: 2, alpha: 4, targets: [.query, .value, .up])
    private static let head = RewardHead(weight: (0..<16).map { Float($0 * 5 % 7) / 3 - 0.9 }, bias: 0.25)

    private static func model(_ precision: Precision = .fp32) throws -> ProcessRewardModel {
        let base = try BaseModel(randomly: configuration, seed: 5, precision: precision, gradients: false, parallel: .serial)
        let policy = Policy(base: base, trainable: .lora(adapter), parallel: .serial)
        policy.adopt(values: (0..<policy.layout.count).map { Float($0 * 37 % 101) / 202 - 0.25 }, version: 1)
        return ProcessRewardModel(policy: policy, head: head)
    }

    private static let task = PathSum(pairs: [.init(start: 37, target: 84)])

    private static func reading(_ text: String, stop: StopReason = .stopToken) -> StepReading {
        let response = PathSum.tokens(of: text)
        return StepReading(of: response, states: task.states(of: response, stop: stop, problem: 0), task: task)
    }

    @Test("each step is read behind its line end, which is put there where a response lacks it")
    func places() {
        #expect(Self.reading("+7 44\n*2 88\n") == StepReading(tokens: PathSum.tokens(of: "+7 44\n*2 88\n"), places: [4, 8]))
        #expect(Self.reading("+7 44\n*2") == StepReading(tokens: PathSum.tokens(of: "+7 44\n*2\n"), places: [4, 7]))
        #expect(Self.reading("") == StepReading(tokens: PathSum.tokens(of: "\n"), places: [1]))
    }

    @Test("a step's logit does not depend on what follows it, nor on the batch, to the last bit", arguments: [Precision.fp32, .bf16])
    func independence(_ precision: Precision) throws {
        let model = try Self.model(precision)
        let prompt = Self.task.promptTokens(of: 0)
        let texts = ["+7 44\n*2 88\n-4 84\n", "+7 44\n*2 88\n", "+7 44\n", "+7 44\n*2 89\n-5 84\n+1 85\n", "-9 28\n*3 84\n", ""]
        let together = model.logits(of: [.init(prompt: prompt, readings: texts.map { Self.reading($0) })])[0]
        #expect(Set(together.joined()).count > 5)
        for (text, logits) in zip(texts, together) {
            #expect(model.logits(of: [.init(prompt: prompt, readings: [Self.reading(text)])])[0][0] == logits)
        }
        #expect(together[1] == Array(together[0].prefix(2)) && together[2] == Array(together[0].prefix(1)) && together[3][0] == together[0][0])
        let others = [
            ProcessRewardModel.Group(prompt: Self.task.promptTokens(of: 0), readings: [Self.reading("-9 28\n*3 84\n")]),
            ProcessRewardModel.Group(prompt: [1, 30], readings: [Self.reading("+7 44\n"), Self.reading("+1 2")]),
        ]
        #expect(model.logits(of: others)[0][0] == together[4])
    }

    @Test("its hidden states are those of a forward pass with scores")
    func hiddenStates() throws {
        let policy = try Self.model().policy
        let groups = [TokenGroup(prompt: [1, 40, 50, 4], responses: [[5, 6, 7], [], [8]]), TokenGroup(prompt: [1], responses: [[9]])]
        let (plain, scored) = (policy.hiddenStates(groups, recording: false), policy.forward(groups, recording: false))
        #expect(plain.promptHidden == scored.promptHidden && plain.scores.isEmpty)
        for (g, group) in groups.enumerated() {
            for (k, response) in group.responses.enumerated() {
                for i in 0...response.count {
                    let a = plain.withHidden(ofState: i, response: k, group: g) { Array($0) }
                    #expect(a == scored.withHidden(ofState: i, response: k, group: g) { Array($0) })
                }
            }
        }
    }

    @Test("hidden states at some places are those of a pass over all", arguments: [Precision.fp32, .bf16])
    func chosenStates(_ precision: Precision) throws {
        let policy = try Self.model(precision).policy
        let groups = [TokenGroup(prompt: [1, 40, 50, 4], responses: [[5, 6, 7], [], [8, 9]]), TokenGroup(prompt: [1], responses: [[9]])]
        let places = [[[0, 3], [0], [1, 2, 2]], [[1]]]
        let all = policy.forward(groups, recording: false)
        let chosen = policy.hiddenStates(groups, at: places)
        #expect(chosen.map { $0.map(\.count) } == [[2, 1, 3], [1]])
        for (g, places) in places.enumerated() {
            for (k, places) in places.enumerated() {
                for (index, i) in places.enumerated() {
                    #expect(chosen[g][k][index] == all.withHidden(ofState: i, response: k, group: g) { Array($0) })
                }
            }
        }
        #expect(policy.hiddenStates(groups, at: [[[], [], []], [[]]]) == [[[], [], []], [[]]])
    }

    @Test("a logit is w·h + b, and its probability keeps its accuracy at both ends")
    func head() throws {
        let hidden = (0..<16).map { Float($0) / 8 - 1 }
        let expected = zip(hidden, Self.head.weight).reduce(0.25) { $0 + Double($1.0) * Double($1.1) }
        expectClose(hidden.withUnsafeBufferPointer { Self.head.logit($0) }, expected, relative: 1e-14)
        for z in [-700.0, -40, -1, 0, 1, 30] {
            expectClose(RewardHead.probability(ofLogit: z), 1 / (1 + exp(-z)), relative: 1e-14)
        }
        #expect(RewardHead.probability(ofLogit: -1e4) == 0 && RewardHead.probability(ofLogit: 1e4) == 1)
    }

    // MARK: Files

    private static func folder() -> String { FileManager.default.temporaryDirectory.appendingPathComponent("reward-\(UUID())").path }

    private static func write(to path: String) throws -> [UInt16] {
        let layout = ParameterLayout(.lora(adapter), of: configuration)
        let bits = (0..<layout.count).map { UInt16($0 % 0x3F00) }
        try RewardModelFolder.write(
            path, bits: bits, trainable: .lora(adapter), head: head, template: "pathsum", baseDigest: "abc", baseModel: "base",
            model: configuration)
        return bits
    }

    @Test("what is written is read again, from its folder and from the run's")
    func roundTrip() throws {
        let run = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: run) }
        let bits = try Self.write(to: run + "/adapter")
        for path in [run, run + "/adapter"] {
            #expect(RewardModelFolder.isThere(path))
            let read = try RewardModelFolder.read(path, for: Self.configuration)
            #expect(read.head == Self.head && read.adapter == Self.adapter && read.template == "pathsum" && read.baseDigest == "abc")
            let parameters = ParameterLayout(.lora(Self.adapter), of: Self.configuration).parameters(of: read.matrices)
            #expect(parameters.map { UInt16($0.bitPattern >> 16) } == bits)
        }
    }

    @Test("a folder that is no reward model is refused in words")
    func badFolders() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        func message() -> String {
            do throws(ModelFileError) {
                _ = try RewardModelFolder.read(path, for: Self.configuration)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message() == "\(path): reward_head.safetensors is missing; name a folder that gfn-dist reward wrote" && !RewardModelFolder.isThere(path))
        _ = try Self.write(to: path)
        let headPath = path + "/reward_head.safetensors"
        func writeHead(_ tensors: [SafetensorsWriter.Tensor], metadata: [String: String] = ["chat_template": "x", "base_final_norm_sha256": "y"]) throws {
            try SafetensorsWriter.write(tensors, metadata: metadata, to: headPath)
        }
        let weight = SafetensorsWriter.Tensor(name: "weight", shape: [1, 16], values: .float32(Self.head.weight))
        let bias = SafetensorsWriter.Tensor(name: "bias", shape: [1], values: .float32([0]))
        try writeHead([bias])
        #expect(message() == "\(headPath): tensor weight is missing; name a folder that gfn-dist reward wrote")
        try writeHead([SafetensorsWriter.Tensor(name: "weight", shape: [16], values: .float32(Self.head.weight)), bias])
        #expect(message() == "\(headPath): tensor weight has shape [16], but the configuration makes it [1, 16]")
        try writeHead([weight, bias], metadata: [:])
        #expect(message() == "\(headPath): chat_template of the metadata is missing; name a folder that gfn-dist reward wrote")
        var notFinite = Self.head.weight
        notFinite[3] = .nan
        try writeHead([SafetensorsWriter.Tensor(name: "weight", shape: [1, 16], values: .float32(notFinite)), bias])
        #expect(message().contains("NaN"))
    }
}
