internal import ArgumentParser

/// The options of a command that samples solutions of problems.
struct SamplingOptions: ParsableArguments {
    @OptionGroup var settings: SettingOptions
    @Option(name: .long, help: ArgumentHelp("PEFT folder of an adapter on the model.", valueName: "dir"))
    var adapter: String?
    @Option(name: .long, help: ArgumentHelp("Folder of a process reward model that scores steps.", valueName: "dir"))
    var rewardModel: String?
    @Option(name: .long, help: ArgumentHelp("Solutions of each problem.", valueName: "k"))
    var samplesPerProblem: Int?
    @Option(name: .long, help: ArgumentHelp("One or several, as 0.6,1; repeatable. 0: greedy.", valueName: "t"))
    var temperature: [TemperatureList] = []
    @Option(name: .long, help: ArgumentHelp("Draw from the k likeliest tokens.", valueName: "k"))
    var topK: Int?
    @Option(name: .long, help: ArgumentHelp("Draw from the likeliest tokens with this share.", valueName: "p"))
    var topP: Double?
    @Option(name: .long, help: ArgumentHelp("Draw from tokens with this share of the likeliest's.", valueName: "p"))
    var minP: Double?
    @Option(name: .long, help: ArgumentHelp("A longer solution is cut.", valueName: "n"))
    var maxNewTokens: Int?
    @Option(name: .long, help: ArgumentHelp("Only the first problems.", valueName: "n"))
    var limit: Int?

    /// What a command that samples nothing has no use for.
    var givenFlags: [String] {
        let flags = [
            ("samples-per-problem", samplesPerProblem != nil), ("temperature", !temperature.isEmpty), ("top-k", topK != nil),
            ("top-p", topP != nil), ("min-p", minP != nil), ("max-new-tokens", maxNewTokens != nil), ("limit", limit != nil),
        ]
        return flags.filter(\.1).map(\.0)
    }

    private var givenTemperatures: [Double] { temperature.flatMap(\.values) }

    func validate() throws {
        if let problem = TemperatureList.problem(with: givenTemperatures) { throw ValidationError(problem) }
    }

    /// In the order of the lines; the greedy solution is the last.
    func temperatures(_ configuration: RunConfiguration, greedy: Bool) -> [Double] {
        let given = givenTemperatures
        let temperatures = given.isEmpty ? [configuration.number("evaluate.temperature")] : given
        return temperatures + (greedy && !temperatures.contains(0) ? [0] : [])
    }

    /// Defaults, the embedded task's settings, a preset, the file of settings and the command line, laid over each other.
    /// - Parameter problems: the file that is sampled, or the embedded task.
    func layers(problems: String) throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        if RunConfiguration.split(named: problems) != nil {
            layers.lay(yaml: try EmbeddedResources.configuration("pathsum"), named: "embedded pathsum.yaml", isChoice: false)
        }
        var options = ConfigurationLayers()
        try settings.layFile(over: &options)
        settings.layFlags(over: &options)
        layers.lay(options.rewardPreset, over: layers)
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        layers.set("data.evaluate", to: problems, from: Origin(description: "the problems named"))
        let given = givenTemperatures
        let flags: [(setting: String, flag: String, value: String?)] = [
            ("adapter", "adapter", adapter),
            ("reward_model", "reward-model", rewardModel),
            ("evaluate.samples_per_problem", "samples-per-problem", samplesPerProblem.map(String.init)),
            ("evaluate.temperature", "temperature", given.count == 1 && given[0] > 0 ? "\(given[0])" : nil),
            ("evaluate.problems", "limit", limit.map(String.init)),
            ("rollout.max_new_tokens", "max-new-tokens", maxNewTokens.map(String.init)),
            ("sample.top_k", "top-k", topK.map(String.init)),
            ("sample.top_p", "top-p", topP.map { "\($0)" }),
            ("sample.min_p", "min-p", minP.map { "\($0)" }),
        ]
        for (setting, flag, value) in flags {
            if let value { layers.set(setting, to: value, from: .flag(flag)) }
        }
        return layers
    }
}
