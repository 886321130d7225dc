internal import Collective
internal import Evaluation
internal import Foundation

/// One call of `evaluate`: samples where a model is named, counts, and writes what was asked for.
struct EvaluateCall {
    let problems: [String]
    /// Nothing: samples of the model.
    let sets: [SampleSet]
    let run: EvaluateRun
    let sampling: SamplingOptions
    let hasGreedy: Bool
    let hasEmbeddings: Bool
    let output: String?
    let isResumed: Bool
    let isJSON: Bool

    private var isQuiet: Bool { sampling.settings.quiet }

    /// Collective over processes.
    func perform(_ launch: Launch) throws {
        let configurations = try launch.together {
            // Samples alone need no model, and settings are checked all the same.
            let needsModel = try sets.isEmpty || hasEmbeddings || asksRewardModel
            return try (needsModel ? problems : [RunConfiguration.embeddedTask]).map { problems in
                try RunConfiguration(try sampling.layers(problems: problems), for: .sampling)
            }
        }
        let run = run.limited(to: configurations[0].optionalInteger("evaluate.problems") ?? 0)
        // What is wrong with the problems is said before hours of sampling.
        _ = try launch.decidedByFirst {
            _ = try run.keys()
            return ""
        }
        let settings = settings(configurations)
        func open() throws -> EvaluationFolder? { try output.map { try EvaluationFolder.open($0, settings, isResumed) } }
        guard sets.isEmpty else {
            let rewards = try rewards(configurations, run, launch)
            _ = try launch.decidedByFirst {
                var embeddings: [String: EmbeddingDistance] = [:]
                for configuration in hasEmbeddings ? configurations : [] {
                    let work = try SampleWork(configuration, temperatures: [1], on: launch.node)
                    embeddings[work.task.name] = EmbeddingDistance(work)
                }
                // The folder comes last: a call that failed leaves nothing that the next one would have to name another for.
                try finish(run.with(embeddings).with(rewards).summaries(of: sets), open())
                return ""
            }
            return
        }
        let path = try launch.decidedByFirst { try open()?.path ?? "" }
        let folder = path.isEmpty ? nil : EvaluationFolder(path: path)
        do { try evaluateModel(configurations, run, folder, launch) } catch {
            if ExitCode.of(error) == 75 {
                guard folder == nil else { throw error }
                throw RunError.interrupted(
                    "a signal stopped the sampling, and nothing of it is kept: name a folder with --output, where --resume goes on")
            }
            // A failure before the first sample, such as a model that is not there.
            if launch.isFirst, !isResumed { folder?.removeUnused() }
            throw error
        }
    }

    /// Whether given samples are scored by a reward model.
    private var asksRewardModel: Bool {
        get throws {
            let layers = try sampling.layers(problems: RunConfiguration.embeddedTask)
            return !sets.isEmpty && layers.values["reward_model"]?.isEmpty == false
        }
    }

    /// What a reward model makes of the given samples; nil without one. All ranks share the work; collective.
    private func rewards(
        _ configurations: [RunConfiguration], _ run: EvaluateRun, _ launch: Launch
    ) throws -> RewardsByLine? {
        guard try asksRewardModel else { return nil }
        launch.watch(by: configurations[0].layers)
        let sets = sets
        let opened = try launch.together {
            for set in sets { try set.requireFile() }
            let keys = try run.keys()
            return try zip(keys, configurations).map { key, configuration in
                let rewards = SampleRewards(try SampleWork(configuration, temperatures: [1], on: launch.node), key)
                let censuses = try sets.map { set in
                    try SampleCensus(set, of: key, among: keys.map(\.name), needsVerdicts: run.judge == .recorded)
                }
                for (set, census) in zip(sets, censuses) { try rewards.check(set, census) }
                return (rewards: rewards, censuses: censuses)
            }
        }
        return try launch.everyRank { communicator in
            var byLine = RewardsByLine()
            for data in opened {
                for (set, census) in zip(sets, data.censuses) {
                    byLine[set.path, default: [:]].merge(try data.rewards.rewards(of: set, census, communicator)) { $1 }
                }
            }
            return byLine
        }[0]
    }

    /// What decides the samples of a model, as text: a call that goes on must have the same.
    private func settings(_ configurations: [RunConfiguration]) -> String {
        guard sets.isEmpty else {
            let rewardModel = configurations[0].text("reward_model")
            return "# samples: \(sets.map { "\($0.name)=\($0.path)" }.joined(separator: ", "))\n"
                + (rewardModel.isEmpty ? "" : "# reward model: \(rewardModel)\n")
        }
        return configurations.map { configuration in
            let temperatures = sampling.temperatures(configuration, greedy: hasGreedy).map { "\($0)" }.joined(separator: ", ")
            return "# temperatures: \(temperatures)\n\(configuration.layers.yaml())"
        }.joined(separator: "---\n")
    }

    /// Samples one data set after the other, then counts.
    private func evaluateModel(
        _ configurations: [RunConfiguration], _ run: EvaluateRun, _ folder: EvaluationFolder?, _ launch: Launch
    ) throws {
        let scratch = try launch.decidedByFirst { try folder == nil ? EvaluationFolder.makeScratch() : "" }
        defer { if launch.isFirst, !scratch.isEmpty { removeScratch(scratch) } }
        let samples = (folder ?? EvaluationFolder(path: scratch)).samples
        var result = EvaluateRun.Result()
        for configuration in configurations {
            let path = "\(samples)/\(Self.fileName(of: configuration))"
            let call = SampleCall(
                configuration: configuration, temperatures: sampling.temperatures(configuration, greedy: hasGreedy), output: path,
                quiet: isQuiet)
            let work =
                try call.perform(resuming: isResumed, launch)
                ?? launch.together {
                    try SampleWork(configuration, temperatures: call.temperatures, on: launch.node)
                }
            let exact = try launch.everyRank { communicator in try SolutionScoring.summary(work, communicator) }
            _ = try launch.decidedByFirst {
                let one = run.with(hasEmbeddings ? [work.task.name: EmbeddingDistance(work)] : [:])
                    .on([configuration.text("data.evaluate")]).limited(to: work.coveredCount)
                var counted = try one.summaries(of: [SampleSet(name: "samples", path: path)])
                for index in counted.summaries.indices {
                    counted.summaries[index].exact = exact[0]
                    counted.summaries[index].adapterSHA256 = work.adapterDigest
                }
                result.summaries += counted.summaries
                result.notes += counted.notes
                return ""
            }
        }
        _ = try launch.decidedByFirst {
            try finish(result, folder)
            return ""
        }
    }

    /// Of a data set's samples: its own name, which no other one has.
    private static func fileName(of configuration: RunConfiguration) -> String {
        let name = URL(fileURLWithPath: configuration.text("data.evaluate")).lastPathComponent
        return name.hasSuffix(".jsonl") ? name : name + ".jsonl"
    }

    private func removeScratch(_ path: String) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            Launch.say("the temporary folder \(path) could not be removed: \(error.localizedDescription)")
        }
    }

    private func finish(_ result: EvaluateRun.Result, _ folder: EvaluationFolder?) throws {
        if !isQuiet { for note in result.notes { writeToStandardError("evaluate: \(note.printable(limit: 1000))\n") } }
        try folder?.write(result.summaries, threshold: run.options.pictureThreshold)
        let text = isJSON
            ? String(decoding: try EvaluationSummary.json(result.summaries), as: UTF8.self) : EvaluationSummary.table(result.summaries)
        try writeToStandardOutput(text + "\n")
        if let folder, !isQuiet { writeToStandardError("evaluate: all forms of it are in \(folder.path)\n") }
    }
}
