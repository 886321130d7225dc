/// The methods by the names that configurations use.
package enum ObjectiveKind: String, Sendable, CaseIterable, Codable {
    case subTrajectoryBalance = "subtb"
    case pooledSubTrajectoryBalance = "subtb-pooled"
    case tokenSubTrajectoryBalance = "subtb-token"
    case unrootedSubTrajectoryBalance = "subtb-unrooted"
    case varianceGradient = "vargrad"
    case contrastiveTrajectoryBalance = "ctb"
    case trajectoryBalance = "tb"
    case detailedBalance = "db"
    case flowReinforcementLearning = "flowrl"
    case proximalPolicyOptimization = "ppo"
    case groupRelativePolicyOptimization = "grpo"
    case groupRelativePolicyOptimizationDoneRight = "dr-grpo"
    case reinforceLeaveOneOut = "rloo"
    case directPreferenceOptimization = "dpo"
    case rejectionSamplingFineTuning = "rft"
    case supervisedFineTuning = "sft"

    /// The method with its defaults.
    package var defaults: any Objective {
        switch self {
        case .subTrajectoryBalance: SubTrajectoryBalance()
        case .pooledSubTrajectoryBalance: PooledSubTrajectoryBalance()
        case .tokenSubTrajectoryBalance: TokenSubTrajectoryBalance()
        case .unrootedSubTrajectoryBalance: SubTrajectoryBalance(isRooted: false)
        case .varianceGradient: PooledSubTrajectoryBalance(finalWeight: 1, intermediateWeight: 0, isSettable: false)
        case .contrastiveTrajectoryBalance: ContrastiveTrajectoryBalance()
        case .trajectoryBalance: TrajectoryBalance()
        case .detailedBalance: DetailedBalance()
        case .flowReinforcementLearning: FlowReinforcementLearning()
        case .proximalPolicyOptimization: ProximalPolicyOptimization()
        case .groupRelativePolicyOptimization: GroupRelativePolicyOptimization()
        case .groupRelativePolicyOptimizationDoneRight: GroupRelativePolicyOptimization(isDoctor: true)
        case .reinforceLeaveOneOut: ReinforceLeaveOneOut()
        case .directPreferenceOptimization: DirectPreferenceOptimization()
        case .rejectionSamplingFineTuning: RejectionSamplingFineTuning()
        case .supervisedFineTuning: SupervisedFineTuning()
        }
    }

    /// What the method can be told.
    package var settings: [MethodSettingDescription] {
        func describe<Method: Objective>(_ method: Method) -> [MethodSettingDescription] {
            method.settings.map {
                MethodSettingDescription(name: $0.name, kind: $0.kind, fallback: $0.value(in: method), summary: $0.summary)
            }
        }
        return describe(defaults)
    }

    /// The method as people want it: `value` gives the text of each of its settings, which has passed its check.
    package func objective(reading value: (String) -> String) -> any Objective {
        func read<Method: Objective>(_ method: Method) -> any Objective {
            var method = method
            for setting in method.settings { setting.set(value(setting.name), in: &method) }
            return method
        }
        return read(defaults)
    }
}
