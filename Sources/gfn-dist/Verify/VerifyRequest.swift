internal import Foundation
internal import Learner

/// Where `verify` begins.
enum VerifyStart: String, CaseIterable, Sendable {
    /// The model that ships with the program, or the one that is named, of which an adapter is trained.
    case base
    /// Random weights in the shape of the shipped one, all of which are trained.
    case random
}

/// What `verify` is told where it trains: that of `train`, with a task that lists its responses.
struct VerifyRequest: RunRequest {
    let options: RunOptions
    let task: String?
    let start: VerifyStart

    static let usualTask = "numbers"

    var settings: SettingOptions { options.settings }
    var output: String? { options.output }
    var purpose: RunConfiguration.Purpose { .training }

    func defaults(for layers: ConfigurationLayers) throws -> ConfigurationLayers { try options.defaults(for: layers) }

    func layChoices(over layers: inout ConfigurationLayers) throws {
        if start == .random {
            layers.set("model", to: "random", from: .flag("start"))
            layers.set("trainable", to: "full", from: .flag("start"))
        }
        try options.layChoices(over: &layers)
        if let task { layers.set("data.train", to: TaskFile.data(naming: task), from: .flag("task")) }
        if layers.values["data.train"]?.isEmpty ?? true {
            layers.set("data.train", to: TaskFile.data(naming: Self.usualTask), from: Origin(description: "verify", isChoice: false))
        }
    }

    func runName() throws -> String {
        let values = try layers().values
        let task = URL(fileURLWithPath: values["data.train"] ?? "").deletingPathExtension().lastPathComponent
        return "verify-\(task.split(separator: ":").last ?? "task")-\(values["objective"] ?? "subtb")"
    }
}
