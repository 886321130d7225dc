internal import Learner
internal import Model

/// A setting that a run goes on with otherwise than it began.
struct SettingChange: Sendable {
    let name: String
    /// Whether the run will not end with the bytes of an unbroken one.
    let breaksBytes: Bool
    private let before, after: String
    private let origin: Origin

    /// What `after` has that `before` has not, in the order of the settings.
    static func all(from before: ConfigurationLayers, to after: ConfigurationLayers) -> [SettingChange] {
        Setting.all.compactMap { setting in
            guard let old = before.values[setting.name], let new = after.values[setting.name], !setting.kind.isSame(old, new) else { return nil }
            // More steps of the same kind are a longer run; where a schedule ends with them, every step is another.
            let breaksBytes = setting.name == "train.steps"
                ? before.weightsDependOnSteps || after.weightsDependOnSteps : setting.changesWeights
            return SettingChange(
                name: setting.name, breaksBytes: breaksBytes, before: old, after: new, origin: after.origins[setting.name] ?? .fallback)
        }
    }

    /// Whether an evaluation would give other numbers.
    var changesEvaluation: Bool { name == "data.evaluate" || name.hasPrefix("evaluate.") && name != "evaluate.every" }

    var sentence: String {
        "\(origin): \(name) was \(Self.shown(before)) and is \(Self.shown(after)) now".printable(limit: 1000)
    }

    private static func shown(_ value: String) -> String { value.isEmpty ? "empty" : value }

    /// Refuses, in one message, all changes that break the promise of equal bytes.
    static func refuseBreaking(_ changes: [SettingChange], in folder: RunFolder) throws(ConfigurationError) {
        let breaking = changes.filter(\.breaksBytes)
        guard !breaking.isEmpty else { return }
        let (these, them) = breaking.count == 1 ? ("this change", "it") : ("these changes", "them")
        throw ConfigurationError(
            problems: breaking.map(\.sentence) + [
                "with \(these) the run in \(folder.path) would not end with the bytes of an unbroken run; leave \(them) out, or add --force"
            ])
    }
}

extension ConfigurationLayers {
    /// Whether the weights of a step depend on how many steps there are: where a schedule ends with them.
    fileprivate var weightsDependOnSteps: Bool {
        if values["train.schedule"] != LearningRateSchedule.Shape.constant.rawValue { return true }
        return values["reward.schedule_steps"] == "auto"
            && ["reward.reference_final", "reward.temperature_final"].contains { values[$0] != "none" }
    }
}
