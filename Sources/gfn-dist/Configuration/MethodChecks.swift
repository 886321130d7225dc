internal import Learner

/// Settings that make no sense together, because a method has no use for them or needs others: each in a sentence that names both.
extension RunConfiguration {
    func methodProblems() -> [String] {
        foreignSettings() + labelProblems() + headProblems() + rewardProblems(needs) + samplingProblems(needs) + replayProblems(needs)
    }

    /// Where somebody asked for a value of their own: a sentence's beginning. Nil for the default, and for what a file repeats.
    func chosen(_ name: String) -> String? {
        guard let setting = Setting.named(name), layers.origins[name]?.isChange ?? false, !setting.kind.isSame(text(name), setting.fallback)
        else { return nil }
        return asked(name)
    }

    private func asked(_ name: String) -> String? {
        guard let origin = layers.origins[name], origin.isChoice else { return nil }
        return "\(origin): \(name) is \(text(name))"
    }

    private func foreignSettings() -> [String] {
        let own = Set((ObjectiveKind(rawValue: objective)?.settings ?? []).map(\.name))
        let all = ObjectiveKind.allCases.flatMap { kind in kind.settings.map { ($0.name, kind.rawValue) } }
        return Setting.all.compactMap { setting in
            let owners = all.filter { $0.0 == setting.name }.map(\.1)
            // The default of one method may not be what another has in its place; but a file may list every setting.
            let isNamed = layers.origins[setting.name]?.isCommandLine ?? false
            guard !owners.isEmpty, !own.contains(setting.name), let chosen = isNamed ? asked(setting.name) : chosen(setting.name) else {
                return nil
            }
            return "\(chosen), but objective is \(objective), which has no such setting; leave it out, "
                + "or set objective to \(owners.joined(separator: " or "))"
        }
    }

    private func headProblems() -> [String] {
        [("root.learning_rate", needs.root, "log Z"), ("value.learning_rate", needs.values, "V")].compactMap { name, isNeeded, head in
            guard !isNeeded, let chosen = chosen(name) else { return nil }
            return "\(chosen), but objective is \(objective), which learns no \(head); leave it out"
        }
    }

    private func rewardProblems(_ needs: Needs) -> [String] {
        var problems: [String] = []
        if !needs.logRewards {
            problems += ["reward.reference", "reward.reference_final"].compactMap(chosen).map {
                "\($0), but objective is \(objective), whose rewards are those of the task alone; leave it out"
            }
        }
        if !text("reward_model").isEmpty {
            if needs.lesson != .group {
                problems.append(
                    "reward_model is \(text("reward_model")), but objective is \(objective), which learns from "
                        + "\(needs.lesson == .pair ? "pairs of responses" : "solutions") and not from rewards; leave it out")
            } else if number("reward.process") == 0, layers.rewardPreset.process != .without {
                problems.append(
                    "reward.process is 0, so that nothing would come of reward_model, which is \(text("reward_model")); "
                        + "leave one of them out")
            }
        }
        if needs.lesson != .group, layers.rewardPreset != .none {
            problems.append(
                "reward.preset is \(layers.rewardPreset.rawValue), but objective is \(objective), which learns from "
                    + "\(needs.lesson == .pair ? "pairs of responses" : "solutions") and not from rewards; leave it out")
        }
        if needs.innerStates == .unused, let chosen = chosen("states") {
            problems.append("\(chosen), but objective is \(objective), which looks at whole responses only; leave it out")
        }
        if needs.innerStates == .required, terminability == .end {
            problems.append(
                "states is end, but objective is \(objective), which compares the states of a response; set states to steps or tokens")
        }
        return problems
    }

    private func samplingProblems(_ needs: Needs) -> [String] {
        var problems: [String] = []
        guard needs.usesRollouts else {
            let foreign = [
                "lag", "lag_bound", "rollout.samples_per_prompt", "rollout.temperature", "rollout.temperature_high", "rollout.tempered_share",
            ]
            return foreign.compactMap(chosen).map {
                "\($0), but objective is \(objective), which samples nothing; leave it out"
            }
        }
        if samplesPerPrompt < needs.smallestGroup {
            problems.append(
                "rollout.samples_per_prompt is \(samplesPerPrompt), but objective is \(objective), which compares the responses to a "
                    + "prompt; set rollout.samples_per_prompt to at least \(needs.smallestGroup)")
        }
        if needs.ownSamples {
            for name in ["rollout.temperature", "rollout.temperature_high"] {
                guard let setting = Setting.named(name), !setting.kind.isSame(text(name), setting.fallback) else { continue }
                problems.append(
                    "\(name) is \(text(name)), but objective is \(objective), which learns from the policy's own samples; "
                        + "leave it at \(setting.fallback)")
            }
        }
        if freeBound == nil, let bound = chosen("lag_bound") {
            problems.append("\(bound), but lag is \(text("lag")), which says how old samples are; leave it out, or set lag to any")
        }
        let isTempered = number("rollout.temperature") != 1 || optionalNumber("rollout.temperature_high") != nil
        if !isTempered, let share = chosen("rollout.tempered_share") {
            problems.append("\(share), but rollout.temperature is 1 and rollout.temperature_high none, so that nothing is tempered")
        }
        if needs.collectingSteps > 0, let lag = chosen("lag") {
            problems.append("\(lag), but objective is \(objective), which samples with the first weights only; leave it out")
        }
        if needs.collectingSteps > 0, needs.collectingSteps >= steps {
            let name = ObjectiveKind(rawValue: objective)?.settings.first { $0.name.hasSuffix("collect_steps") }?.name ?? "collect_steps"
            problems.append("\(name) is \(text(name)), but train.steps is \(steps), so nothing would be learned; raise train.steps")
        }
        return problems
    }

    private func replayProblems(_ needs: Needs) -> [String] {
        func problems(_ names: [String], _ reason: String) -> [String] {
            names.compactMap(chosen).map { "\($0), but objective is \(objective), which learns from \(reason); leave it out" }
        }
        let choices = ["replay.share", "replay.seed", "replay.keep", "replay.priority"]
        let distinct = ["replay.distinct", "replay.distinct_threshold"]
        switch needs.lesson {
        case .demonstration: return problems(choices + distinct, "examples, one of each list of equations")
        case .pair: return problems(choices, "pairs of right and wrong responses")
        case .group: break
        }
        if needs.ownSamples { return problems(choices + distinct, "the policy's own samples, each as new as the lag allows") }
        guard number("replay.share") > 0 else {
            return seedsReplay
                ? [
                    "replay.seed is \(text("replay.seed")), but replay.share is 0, so nothing of the buffer is learned from; "
                        + "raise replay.share"
                ] : []
        }
        guard samplesPerPrompt >= 2 else {
            return ["replay.share is \(text("replay.share")), but rollout.samples_per_prompt is 1; replayed groups need at least 2"]
        }
        return []
    }
}
