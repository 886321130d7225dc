package import Foundation

/// What the samples of one set on one data set amount to: the contents of `evaluation.json`, and of `evaluate --json`.
package struct EvaluationSummary: Sendable, Equatable {
    /// The figures of a part of the problems, or of all of them.
    package struct Part: Sendable, Equatable {
        package var problems: Int
        /// At temperature 0.
        package var greedy: TemperatureSummary?
        /// At all others.
        package var temperatures: [Temperature: TemperatureSummary]
        /// By accuracy, the distinct correct solutions at at least that much (``AccuracyCurve/distinct(atAccuracy:)``).
        package var atAccuracy: [Double: [Figure: Estimate]] = [:]
        /// By accuracy, how many times as many these are as those of the set that this one is compared with
        /// (``AccuracyCurve/ratio(to:atAccuracy:)``).
        package var ratiosAtAccuracy: [Double: [Figure: Estimate]] = [:]

        package init(problems: Int, greedy: TemperatureSummary? = nil, temperatures: [Temperature: TemperatureSummary]) {
            (self.problems, self.greedy, self.temperatures) = (problems, greedy, temperatures)
        }
    }

    /// What this set has over another, on the problems that both have.
    package struct Difference: Sendable, Equatable {
        /// The other set.
        package var name: String
        package var problems: Int
        package var greedy: [Figure: Estimate]
        package var temperatures: [Temperature: [Figure: Estimate]]

        package init(
            name: String, problems: Int, greedy: [Figure: Estimate], temperatures: [Temperature: [Figure: Estimate]]
        ) {
            (self.name, self.problems, self.greedy, self.temperatures) = (name, problems, greedy, temperatures)
        }
    }

    /// The set of samples; nil where there is one without a name.
    package var name: String?
    package var dataset: String
    package var samplesPerProblem: Int
    /// How many runs of one method, such as of several seeds, the samples are of; each has so many of each problem.
    package var runs = 1
    /// Nil where the samples do not say it.
    package var policyVersion: Int?
    package var adapterSHA256: String?
    package var all: Part
    package var exact: ExactSummary?
    /// Problems of the data set that have no sample and count in no figure.
    package var problemsWithoutSamples = 0
    /// By field and its value.
    package var groups: [String: [String: Part]] = [:]
    package var difference: Difference?

    package init(
        name: String? = nil, dataset: String, samplesPerProblem: Int, policyVersion: Int?, adapterSHA256: String?, all: Part,
        exact: ExactSummary? = nil
    ) {
        (self.name, self.dataset, self.samplesPerProblem) = (name, dataset, samplesPerProblem)
        (self.policyVersion, self.adapterSHA256) = (policyVersion, adapterSHA256)
        (self.all, self.exact) = (all, exact)
    }

    package var problems: Int { all.problems }

    /// How many problems, samples and runs the figures are of.
    var size: String { "\(problems) problems, \(samplesPerProblem) samples each" + (runs > 1 ? " in each of \(runs) runs" : "") }
}

extension EvaluationSummary {
    /// One JSON object with sorted keys, or an array of them where there are several. Beside a value `name` stands `name_interval`,
    /// its 95 % interval [low, high], and `name_problems` where it is a mean over some of the problems only.
    ///
    /// Throws `EncodingError` if a value is not a finite number.
    package static func json(_ summaries: [EvaluationSummary], pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        let objects = summaries.map(\.node)
        return try encoder.encode(objects.count == 1 ? objects[0] : .list(objects))
    }

    private var node: JSONNode {
        var object: [String: JSONNode] = Self.members(of: all)
        object["dataset"] = .text(dataset)
        object["samples_per_problem"] = .integer(samplesPerProblem)
        if runs > 1 { object["runs"] = .integer(runs) }
        object["name"] = name.map { .text($0) }
        object["policy_version"] = policyVersion.map { .integer($0) }
        object["adapter_sha256"] = adapterSHA256.map { .text($0) }
        if problemsWithoutSamples > 0 { object["problems_without_samples"] = .integer(problemsWithoutSamples) }
        object["exact"] = exact.map(Self.node(of:))
        if !groups.isEmpty {
            object["by"] = .object(
                groups.mapValues { values in
                    .object(
                        values.mapValues { part in
                            var members = Self.members(of: part)
                            if !part.ratiosAtAccuracy.isEmpty { members["ratio_at_accuracy"] = Self.node(part.ratiosAtAccuracy) }
                            return .object(members)
                        })
                })
        }
        if let difference {
            var members: [String: JSONNode] = [
                "name": .text(difference.name), "problems": .integer(difference.problems),
                "greedy": .object(Self.members(of: difference.greedy)),
                "temperatures": .object(Self.named(difference.temperatures) { Self.members(of: $0) }),
            ]
            if !all.ratiosAtAccuracy.isEmpty { members["ratio_at_accuracy"] = Self.node(all.ratiosAtAccuracy) }
            object["against"] = .object(members)
        }
        return .object(object)
    }

    private static func members(of part: Part) -> [String: JSONNode] {
        var object: [String: JSONNode] = [
            "problems": .integer(part.problems), "temperatures": .object(named(part.temperatures, members(of:))),
        ]
        object["greedy"] = part.greedy.map { .object(members(of: $0)) }
        if !part.atAccuracy.isEmpty { object["at_accuracy"] = node(part.atAccuracy) }
        return object
    }

    private static func named<Value>(
        _ temperatures: [Temperature: Value], _ members: (Value) -> [String: JSONNode]
    ) -> [String: JSONNode] {
        Dictionary(uniqueKeysWithValues: temperatures.map { ($0.key.description, .object(members($0.value))) })
    }

    private static func members(of summary: TemperatureSummary) -> [String: JSONNode] {
        var object = members(of: summary.figures)
        if summary.inexactProblems > 0 { object["distinct_lower_bounds"] = .integer(summary.inexactProblems) }
        object["verdicts"] = .object(
            Dictionary(uniqueKeysWithValues: summary.verdicts.map { ($0.key.rawValue, .number($0.value)) }))
        object["examples"] = .object(
            Dictionary(
                uniqueKeysWithValues: summary.examples.map {
                    ($0.key.rawValue, .object(["problem_id": .text($0.value.problem), "text": .text($0.value.text)]))
                }))
        return object
    }

    private static func members(of figures: [Figure: Estimate]) -> [String: JSONNode] {
        var object: [String: JSONNode] = [:]
        var nested: [String: [String: JSONNode]] = [:]
        for (figure, estimate) in figures {
            let path = figure.path
            var members: [String: JSONNode] = [:]
            members.add(estimate, as: path[path.count - 1])
            if figure.isConditional { members[path[path.count - 1] + "_problems"] = .integer(estimate.problems) }
            if path.count == 1 {
                object.merge(members) { $1 }
            } else {
                nested[path[0], default: [:]].merge(members) { $1 }
            }
        }
        return object.merging(nested.mapValues { .object($0) }) { $1 }
    }

    private static func node(_ figures: [Double: [Figure: Estimate]]) -> JSONNode {
        .object(Dictionary(uniqueKeysWithValues: figures.map { ("\($0.key)", .object(members(of: $0.value))) }))
    }

    private static func node(of exact: ExactSummary) -> JSONNode {
        var object: [String: JSONNode] = [:]
        object.add(exact.totalVariation, as: "total_variation")
        object.add(exact.targetToPolicy, as: "kl_target_policy")
        object.add(exact.policyToTarget, as: "kl_policy_target")
        object.add(exact.logPartitionGap, as: "log_z_gap")
        object.add(exact.correctMass, as: "correct_mass")
        object.add(exact.effectiveCount, as: "effective_solutions")
        return .object(object)
    }
}
