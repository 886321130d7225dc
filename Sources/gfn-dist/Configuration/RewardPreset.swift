/// Ways to combine the parts of a reward, by name (docs/reward.md).
///
/// A preset is a layer of its own: above the task's settings, and below whatever a person chose.
enum RewardPreset: String, CaseIterable, Sendable {
    /// As the settings say.
    case none
    /// The process reward of finished responses, alone.
    case paper
    /// The process reward, and the verifier's word on the answer as the task weighs it.
    case paperWithVerifier = "paper+verifier"
    /// The verifier alone.
    case verifier

    /// Where a preset's process score comes from.
    enum Process {
        case bySettings, byModel, without
    }

    var process: Process {
        switch self {
        case .none: .bySettings
        case .paper, .paperWithVerifier: .byModel
        case .verifier: .without
        }
    }

    /// All that presets are about.
    fileprivate static let settings = ["reward.correct", "reward.process", "reward.unfinished", "reward.reference"]

    /// What the preset says of them; where it says nothing, the task's own value holds.
    fileprivate var values: [String: String] {
        switch self {
        case .none: [:]
        // Good steps are worth ending after only where there is an answer, and where one part of the reward is missing, the
        // reference in full keeps what is improbable out.
        case .paper: ["reward.correct": "0", "reward.process": "1", "reward.unfinished": "-10", "reward.reference": "1"]
        case .paperWithVerifier: ["reward.process": "1", "reward.unfinished": "-10"]
        case .verifier: ["reward.process": "0", "reward.reference": "1"]
        }
    }
}

extension ConfigurationLayers {
    var rewardPreset: RewardPreset { values["reward.preset"].flatMap { RewardPreset(rawValue: $0) } ?? .none }

    /// Lays a preset over what is there; what it leaves to the task is as in `defaults`.
    mutating func lay(_ preset: RewardPreset, over defaults: ConfigurationLayers) {
        for name in RewardPreset.settings {
            if let value = preset.values[name] {
                set(name, to: value, from: Origin(description: "preset \(preset.rawValue)", isChoice: false))
            } else if let value = defaults.values[name], let origin = defaults.origins[name] {
                set(name, to: value, from: origin)
            }
        }
    }
}
