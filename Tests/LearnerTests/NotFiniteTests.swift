import Collective
import Learner
@testable import Model
import Rollout
import Testing

/// NaN and infinities in every kind of place: the step is not taken, and every learner says which tensor or number it was.
@Suite("Numbers that are none") struct NotFiniteTests {
    private static let linears = LinearKind.allCases.map { WeightSlot.weight(0, $0) }
    private static let slots: [WeightSlot] = [.embedding, .inputNorm(0), .postAttentionNorm(1)] + linears + [.finalNorm]

    /// What the learners say of a step after `plant`.
    private static func faults(
        _ objective: any Objective = SubTrajectoryBalance(),
        plant: @escaping @Sendable (inout PolicyLearner.State, BaseModel, inout [TrajectoryGroup]) throws -> Void
    ) throws -> [String] {
        try runInProcess(ranks: 2) { learners in
            let clean = try TinyTask.learner(learners, objective: objective)
            // After a step, so that there are heads and moments.
            guard case .stepped = try clean.update(on: TinyTask.groups(4, of: clean.policy, step: 0)) else { return "no first step" }
            var groups = TinyTask.groups(4, of: clean.policy, step: 1), state = clean.state
            try plant(&state, clean.policy.base, &groups)
            let learner = PolicyLearner(
                policy: clean.policy, settings: clean.settings, reward: TinyTask.reward, learners: learners, state: state)
            let published = learner.publishedBits
            guard case .fault(let fault) = try learner.update(on: groups) else { return "a step was taken" }
            #expect(learner.publishedBits == published && learner.version == 1 && learner.policy.version == 1)
            return "\(fault)"
        }
    }

    @Test("a weight of the base is named", arguments: slots.indices)
    func weight(index: Int) throws {
        let slot = Self.slots[index]
        for said in try Self.faults(plant: { _, base, _ in
            var values = try base.source.read(slot.name)
            // Of the embedding, a row that is used.
            for index in values.indices where slot == .embedding || index == 0 { values[index] = .nan }
            let shape = try #require(WeightSlot.all(of: base.configuration).first { $0.slot == slot }).shape
            values.withUnsafeBufferPointer { base.weights.pack(slot, rows: 0..<(shape.count == 1 ? 1 : shape[0]), from: $0.baseAddress!) }
        }) {
            #expect(said.hasPrefix("the loss of the group in slot ") && said.contains(": \(slot.name) holds NaN or an infinity"), "\(said)")
        }
    }

    @Test("a matrix of an adapter is named", arguments: [(0, "lora_A"), (1, "lora_B")])
    func adapter(entry: Int, name: String) throws {
        for said in try Self.faults(plant: { state, base, _ in
            let layout = ParameterLayout(.lora(TinyTask.adapter), of: base.configuration)
            state.parameters[layout.entries[entry].offset] = .nan
        }) {
            #expect(said.contains(": base_model.model.model.layers.0.self_attn.q_proj.\(name).weight holds NaN"), "\(said)")
        }
    }

    @Test("a moment of the optimiser is found in what it makes, which is named", arguments: [1, 2])
    func moments(which: Int) throws {
        for said in try Self.faults(plant: { state, _, _ in
            var (first, second) = (state.optimizer.firstMoments, state.optimizer.secondMoments)
            if which == 1 { first[3] = .nan } else { second[3] = -1 }
            state.optimizer = AdamW(state.optimizer.settings, step: state.optimizer.step, firstMoments: first, secondMoments: second)
        }) {
            #expect(said.contains("element 3 of base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight is not finite after the update"), "\(said)")
        }
    }

    @Test("a number of a trajectory is named with its problem, sample and place", arguments: 0..<4)
    func trajectory(which: Int) throws {
        let expected = [
            "the reference's log-probability of token 1 of sample 2 of problem 3 is nan",
            "the reference's log-probability of an end at state 1 of sample 2 of problem 3 is -inf",
            "the process score of terminable state 1 of sample 2 of problem 3 is nan",
            "the reference's log-probability of token 0 of sample 2 of problem 3 is inf",
        ]
        for said in try Self.faults(plant: { _, _, groups in
            switch which {
            case 0: groups[3].trajectories[2].referenceTokenLogProbabilities[1] = .nan
            case 1: groups[3].trajectories[2].referenceStopLogProbabilities[1] = -.infinity
            case 2: groups[3].trajectories[2].states[1].process = .nan
            default: groups[3].trajectories[2].referenceTokenLogProbabilities[0] = .infinity
            }
        }) {
            #expect(said == "the loss of the group in slot 3 is not finite: \(expected[which])", "\(said)")
        }
    }

    @Test("a head's weights are named, and a pass that overflows is told from them")
    func headsAndActivations() throws {
        for said in try Self.faults(plant: { state, _, _ in
            guard let head = state.root?.head else { return }
            state.root = RootFlow(LinearHead(parameters: head.parameters.map { _ in .nan }, optimizer: head.optimizer), isInitialised: true)
        }) {
            #expect(said.contains(": the weights of log Z(x) hold NaN"), "\(said)")
        }
        for said in try Self.faults(ObjectiveKind.proximalPolicyOptimization.defaults, plant: { state, _, _ in
            guard let head = state.values?.head else { return }
            let parameters = head.parameters.map { _ in Float.infinity }
            state.values = ValueHead(LinearHead(parameters: parameters, optimizer: head.optimizer))
        }) {
            #expect(said.contains(": the weights of V(s) hold NaN"), "\(said)")
        }
        for said in try Self.faults(plant: { _, base, _ in
            // Scores of attention beyond all bounds.
            [Float](repeating: 1e38, count: 16).withUnsafeBufferPointer {
                base.weights.pack(.inputNorm(0), rows: 0..<1, from: $0.baseAddress!)
            }
        }) {
            #expect(said.contains(": all weights, rewards and reference log-probabilities are finite, so the pass of this learner overflowed"), "\(said)")
        }
    }
}
