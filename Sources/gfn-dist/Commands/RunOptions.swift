internal import ArgumentParser
internal import Foundation
internal import Learner

/// The options of every command that takes settings.
struct SettingOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("YAML file of settings.", valueName: "file"))
    var config: String?
    @Option(name: .customLong("set"), help: ArgumentHelp("One setting, for example train.steps=200. Repeatable.", valueName: "key=value"))
    var assignments: [String] = []
    @Option(name: .long, help: ArgumentHelp("Hugging Face folder or .gguf file.", valueName: "path"))
    var model: String?
    @Option(name: .long, help: ArgumentHelp("Of every random choice.", valueName: "n"))
    var seed: Int?
    @Option(name: .long, help: ArgumentHelp("Threads of each rank.", valueName: "n"))
    var threads: Int?
    @Flag(name: .long, help: "Say nothing but results and errors.")
    var quiet = false

    /// Lays the file of settings over what is there.
    func layFile(over layers: inout ConfigurationLayers) throws {
        if let config { layers.lay(yaml: try configurationText(config), named: config) }
    }

    /// Lays what the command line says over what is there.
    func layFlags(over layers: inout ConfigurationLayers) {
        for assignment in assignments { layers.set(assignment: assignment) }
        if let model { layers.set("model", to: model, from: .flag("model")) }
        if let seed { layers.set("seed", to: "\(seed)", from: .flag("seed")) }
        if let threads { layers.set("threads", to: "\(threads)", from: .flag("threads")) }
    }
}

/// What a command that makes a run is told on its command line.
protocol RunRequest {
    var settings: SettingOptions { get }
    /// The run folder, where it is named.
    var output: String? { get }
    var purpose: RunConfiguration.Purpose { get }
    /// What holds where nobody chose: it depends on the task, which the options themselves decide.
    func defaults(for options: ConfigurationLayers) throws -> ConfigurationLayers
    /// Lays what a person chose over what is there: the file, then the command line.
    func layChoices(over layers: inout ConfigurationLayers) throws
    /// What a run folder is called when nobody names it.
    func runName() throws -> String
}

extension RunRequest {
    /// Lays defaults, the embedded task's settings, a preset, the file and the command line over each other.
    func layers() throws -> ConfigurationLayers {
        var options = ConfigurationLayers()
        try layChoices(over: &options)
        var layers = try defaults(for: options)
        layers.lay(options.rewardPreset, over: layers)
        try layChoices(over: &layers)
        return layers
    }

    /// The settings of a run that is continued: those of its file, and with what the command line changes. Another preset than the
    /// run's has the values that it would have in a new run.
    func layers(resuming path: String) throws -> (before: ConfigurationLayers, after: ConfigurationLayers) {
        var before = ConfigurationLayers()
        // What the run itself wrote is nobody's choice by itself.
        before.lay(yaml: try configurationText(path), named: path, isChoice: false)
        var after = before
        try layChoices(over: &after)
        let preset = after.rewardPreset
        if preset != before.rewardPreset {
            let defaults = try defaults(for: after)
            after = before
            after.lay(preset, over: defaults)
            try layChoices(over: &after)
        }
        return (before, after)
    }

    /// The settings that `--resume` would go on with.
    func layersOfResumedRun() throws -> ConfigurationLayers {
        try layers(resuming: try RunFolder.existing(named: output, fallback: try runName()).settings).after
    }
}

/// The options of `train`.
struct RunOptions: ParsableArguments, RunRequest {
    @OptionGroup var settings: SettingOptions
    @Option(name: .long, help: ArgumentHelp("\(ObjectiveKind.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var objective: String?
    @Option(name: .long, help: ArgumentHelp("Folder of a process reward model that scores steps.", valueName: "dir"))
    var rewardModel: String?
    @Option(name: .long, help: ArgumentHelp("Run folder.", valueName: "dir"))
    var output: String?

    var purpose: RunConfiguration.Purpose { .training }

    func defaults(for options: ConfigurationLayers) throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        let (model, data) = (options.values["model"] ?? "", options.values["data.train"] ?? "")
        if TaskFile.isNamed(by: data) {
            try layers.lay(task: data, trainsAll: options.values["trainable"] == "full")
            return layers
        }
        guard RunConfiguration.trainingSplit(data: data, model: model) != nil else { return layers }
        let objective = options.values["objective"] ?? Setting.named("objective")?.fallback ?? ""
        for layer in try EmbeddedResources.configurations(for: objective) {
            layers.lay(yaml: layer.text, named: "embedded \(layer.name)", isChoice: false)
        }
        return layers
    }

    func layChoices(over layers: inout ConfigurationLayers) throws {
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        if let objective { layers.set("objective", to: objective, from: .flag("objective")) }
        if let rewardModel { layers.set("reward_model", to: rewardModel, from: .flag("reward-model")) }
    }

    func runName() throws -> String {
        let values = try layers().values
        let model = values["model"] ?? ""
        let name = model.isEmpty || model == "random" ? "pathsum" : URL(fileURLWithPath: model).deletingPathExtension().lastPathComponent
        let objective = values["objective"] ?? "subtb"
        return objective == "subtb" ? name : "\(name)-\(objective)"
    }
}

/// What `reward` is told where it trains.
struct RewardRequest: RunRequest {
    let settings: SettingOptions
    let adapter: String?
    let output: String?

    var purpose: RunConfiguration.Purpose { .reward }

    func defaults(for options: ConfigurationLayers) throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        guard options.values["model"]?.isEmpty ?? true else { return layers }
        let name = "pathsum-reward"
        layers.lay(yaml: try EmbeddedResources.configuration(name), named: "embedded \(name).yaml", isChoice: false)
        return layers
    }

    func layChoices(over layers: inout ConfigurationLayers) throws {
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        if let adapter { layers.set("adapter", to: adapter, from: .flag("adapter")) }
    }

    func runName() throws -> String {
        let model = try layers().values["model"] ?? ""
        return (model.isEmpty ? "pathsum" : URL(fileURLWithPath: model).deletingPathExtension().lastPathComponent) + "-reward"
    }
}

/// The text of a configuration file.
func configurationText(_ path: String) throws(RunError) -> String {
    guard FileManager.default.fileExists(atPath: path) else {
        throw .missingInput("configuration file \(path) does not exist")
    }
    do { return try String(contentsOfFile: path, encoding: .utf8) } catch {
        throw .badData("configuration file \(path) is not readable as UTF-8 text (\(error.localizedDescription))")
    }
}
