internal import Collective
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

extension MemoryPlan {
    /// Without anything of a run: the pages of code and libraries that a run touches, which all processes map; and what each process has of
    /// its own: a third of it the libraries' data and MPI's buffers, the rest data and what the allocator keeps between parts of the run.
    /// Measured: runs of the embedded base on 1, 2 and 4 ranks (docs/plan.md).
    private static func program(_ processes: Int) -> [Part] {
        [Part(name: "the program", each: 46 << 20, count: 1), Part(name: "its processes", each: 15 << 20, count: processes)]
    }

    /// Of the base alone, for commands that compute with a model.
    init(computingWith model: UnloadedModel, cache: PackedCache?, gradients: Bool, processes: Int) {
        self.init(
            roles: NodeRoles(nil, ranks: [], of: 0, processes: processes),
            parts: Self.base(model, cache: cache, forward: processes, transposed: gradients ? processes : 0)
                + Self.program(processes),
            learner: Work(), rollout: Work())
    }

    /// Of a training run as it was opened.
    /// - Parameter length: tokens of a response in replay buffers; nil: what the data says.
    init(_ run: OpenedWorkspace, _ roles: NodeRoles, length: Int? = nil) {
        let sizes = RunSizes(run, roles)
        func policy(gradients: Bool) -> Int {
            PolicyMemory.weights(
                run.trainable, of: run.base.model.configuration, precision: run.base.model.precision, gradients: gradients)
        }
        // A rank has a policy and a reference, and where it learns one more. Whole weights are there where they have been adopted, which
        // the reference has not.
        let copies = run.trainable == .full ? 1 : 2, name = run.trainable == .full ? "policies" : "packed adapters"
        // Ranks of one process share a base that has all parts.
        let isTransposed = roles.processes < roles.ranks && roles.learning > 0
        let n = sizes.parameterCount
        var parts = Self.base(
            run.base.model, cache: run.base.cache, forward: roles.processes, transposed: roles.learningProcesses)
        parts += Self.program(roles.processes)
        parts += [
            Part(name: "learners' \(name)", each: policy(gradients: true), count: (copies + 1) * roles.learning),
            Part(name: "rollouts' \(name)", each: policy(gradients: isTransposed), count: copies * roles.rollouts),
            // What lag asks for, the start, and one that arrives: bf16.
            Part(name: "published versions", each: 2 * n * ((run.configuration.freeBound ?? run.configuration.lag) + 3), count: roles.ranks),
            // The master and two moments, the gradient, and the integers of the sum.
            Part(name: "optimiser states", each: (12 + 4 + 12) * n, count: roles.learning),
        ]
        // Of the newest version as it is encoded, and of those on their way: to ranks that do not make it themselves.
        if roles.hasFirst, roles.allRollouts > 0, roles.both == 0 { parts.append(Part(name: "messages", each: 4 * n, count: 1)) }
        let replay = sizes.replay(length: length)
        self.init(
            roles: roles, parts: parts, learner: sizes.work(learns: true), rollout: sizes.work(learns: false), replay: replay.buffers,
            saving: replay.saving)
    }

    private static func base(_ model: UnloadedModel, cache: PackedCache?, forward: Int, transposed: Int) -> [Part] {
        let isShared = model.isShared(by: cache)
        return [
            Part(name: "the base", each: model.byteCount(.forward), count: isShared ? 1 : forward),
            Part(name: "the base transposed", each: model.byteCount(.transposed), count: isShared ? min(1, transposed) : transposed),
        ]
    }
}

/// The numbers of a run that say how large its passes are.
private struct RunSizes {
    let parameterCount: Int
    private let configuration: TransformerConfiguration
    private let run: OpenedWorkspace
    private let roles: NodeRoles
    private let adapter: AdapterConfiguration?
    private let longestPrompt, maxNewTokens: Int

    init(_ run: OpenedWorkspace, _ roles: NodeRoles) {
        (self.run, self.roles) = (run, roles)
        configuration = run.base.model.configuration
        parameterCount = ParameterLayout(run.trainable, of: configuration).count
        if case .lora(let adapter) = run.trainable { self.adapter = adapter } else { adapter = nil }
        longestPrompt = Self.longestPrompt(of: run.training)
        maxNewTokens = run.configuration.maxNewTokens(for: run.training)
    }

    private static func longestPrompt(of task: any Task) -> Int {
        (0..<task.problemCount).reduce(1) { max($0, task.promptTokens(of: $1).count) }
    }

    func work(learns: Bool) -> MemoryPlan.Work {
        var work = MemoryPlan.Work()
        let samples = run.configuration.needs.usesRollouts && (!learns || roles.both > 0)
        if learns {
            let needs = run.configuration.needs
            let pass = learning(needs)
            (work.learning, work.recomputed) = (pass.least, pass.most - pass.least)
            // In several optimiser steps of one training step the copy is there meanwhile.
            if needs.epochs * needs.miniBatches > 1 { work.learning += 12 * parameterCount }
            work.stepping = 12 * parameterCount
        }
        // Scoring is a pass over a group under π_ref, or one that compares a learner's log-probabilities with a rollout's.
        if run.configuration.needs.usesRollouts { work.scoring = scoring(responses: run.configuration.samplesPerPrompt) }
        work.sampling = max(samples ? sampling : 0, evaluating)
        return work
    }

    /// A buffer once it is full, or if all that is sampled is kept. It is rank 0's, which saves it, and where groups are replayed each
    /// learner's.
    func replay(length: Int?) -> (buffers: MemoryPlan.Part, saving: MemoryPlan.Part) {
        let settings = run.configuration, response = TypicalResponse(of: run, tokens: length)
        let most = run.training.problemCount * settings.replaySettings.capacityPerPrompt
        // A product of settings, which may be larger than any integer.
        let sampled = Double(settings.steps) * Double(settings.promptsPerStep) * Double(settings.samplesPerPrompt)
        let count = settings.needs.usesRollouts ? Int(min(sampled, Double(most))) : 0
        let isToAll = GroupRouting.isToAll(
            replays: settings.number("replay.share") > 0, needs: settings.needs, runsFree: settings.freeBound != nil)
        let trajectory = PackedTrajectory.byteCount(
            tokens: response.tokens, states: response.states, stepRewards: settings.text("reward_model").isEmpty ? 0 : response.states,
            hasReference: settings.rewards.usesReference || settings.needs.reference)
        return (
            MemoryPlan.Part(
                name: "replay buffers", each: count * (trajectory + ReplayBuffer.entryBytes),
                count: isToAll ? roles.learning : roles.hasFirst ? 1 : 0),
            // As it is encoded, and compressed to half of that.
            MemoryPlan.Part(name: "a replay buffer as it is saved", each: count * trajectory * 3 / 2, count: roles.hasFirst ? 1 : 0)
        )
    }

    /// A pass over the largest slot.
    private func learning(_ needs: Needs) -> (least: Int, most: Int) {
        let responses = switch needs.lesson {
        case .group: run.configuration.samplesPerPrompt
        case .demonstration: 1
        case .pair: 2
        }
        let group: (rows: Int, states: Int, longest: Int)
        if needs.samples == .data, let example = (run.training as? WordProblems)?.longestExample {
            group = (responses * example, responses * example, example)
        } else {
            group = (longestPrompt + responses * maxNewTokens, responses * maxNewTokens + 1, longestPrompt + maxNewTokens)
        }
        let groups = needs.lesson == .group ? 1 : min(needs.groupsPerSlot, examplesPerStep(needs))
        return PolicyMemory.learning(
            configuration, forms: run.base.model.forms, adapter: adapter, rows: groups * group.rows, states: groups * group.states, longest: group.longest,
            threads: run.threads)
    }

    private func examplesPerStep(_ needs: Needs) -> Int {
        if case .start(_, let examplesPerStep) = needs.samples { return examplesPerStep }
        return run.configuration.promptsPerStep
    }

    private func scoring(responses: Int) -> Int {
        PolicyMemory.scoring(
            configuration, forms: run.base.model.forms, adapter: adapter, rows: longestPrompt + responses * maxNewTokens, states: responses * maxNewTokens + 1)
    }

    /// The groups of a step that a rollout samples together.
    private var sampling: Int {
        let prompts = HandOut.groupsTogether(slots: run.configuration.promptsPerStep, rollouts: max(1, roles.allRollouts))
        return PolicyMemory.sampling(
            configuration, forms: run.base.model.forms, adapter: adapter,
            .init(
                prompts: prompts, responses: run.configuration.samplesPerPrompt, longestPrompt: longestPrompt, maxNewTokens: maxNewTokens),
            keyPrecision: run.base.model.keyPrecision)
    }

    /// All ranks evaluate.
    private var evaluating: Int {
        run.evaluations.map { task in
            let problems = (run.configuration.evaluatedCount(of: task) + roles.allRanks - 1) / max(1, roles.allRanks)
            return PolicyMemory.sampling(
                configuration, forms: run.base.model.forms, adapter: adapter,
                .init(
                    prompts: min(HeldOutEvaluation.problemsAtOnce, problems),
                    responses: run.configuration.integer("evaluate.samples_per_problem"), longestPrompt: Self.longestPrompt(of: task),
                    maxNewTokens: run.configuration.maxNewTokens(for: task)),
                keyPrecision: run.base.model.keyPrecision)
        }.max() ?? 0
    }
}
