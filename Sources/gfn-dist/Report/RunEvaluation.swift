internal import Evaluation
internal import Foundation

/// An evaluation of a run as its file has it: of a policy on one data set at one temperature, or of a reward model on one data set.
struct RunEvaluation: Sendable {
    /// What was judged.
    enum Kind: Sendable {
        case policy, rewardModel
    }

    let kind: Kind
    let step: Int
    let dataset: String
    /// Empty: of a reward model, which samples nothing.
    let temperature: String
    /// Of a reward model: solutions.
    let problems: Int
    /// 0: of a reward model.
    let samplesPerProblem: Int
    /// By name, those of a nested object as "pass_at.8", those of the exact distance as "exact.total_variation".
    let figures: [String: Estimate]

    subscript(_ name: String) -> Estimate? { figures[name] }

    /// All of a run's evaluations, by step, data set and temperature; a file that is torn or of another kind is remarked on.
    static func all(in folder: String, _ remarks: inout [String]) throws(RunError) -> [RunEvaluation] {
        var (evaluations, last): ([RunEvaluation], [RunEvaluation]) = ([], [])
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw .inputOutput("\(folder) cannot be read (\(error.localizedDescription))")
        }
        for name in names.sorted() where name.hasPrefix("evaluation") && name.hasSuffix(".json") {
            let number = Int(name.dropFirst("evaluation-".count).dropLast(".json".count))
            guard number != nil || name == "evaluation.json", let text = try RunRecord.text(of: "\(folder)/\(name)") else { continue }
            guard let read = read(text, step: number) else {
                remarks.append("\(name) cannot be read as an evaluation of a policy or of a reward model")
                continue
            }
            if number == nil { last = read } else { evaluations += read }
        }
        // That of a reward model does not say its step: the numbered files have it too.
        if !evaluations.isEmpty { last.removeAll { $0.kind == .rewardModel } }
        // The last one is kept under its step as well.
        evaluations += last.filter { one in !evaluations.contains { $0.step == one.step && $0.dataset == one.dataset } }
        return evaluations.sorted { ($0.step, $0.dataset, $0.temperature) < ($1.step, $1.dataset, $1.temperature) }
    }

    private static func read(_ text: String, step: Int?) -> [RunEvaluation]? {
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)) else { return nil }
        let sets = value as? [[String: Any]] ?? (value as? [String: Any]).map { [$0] } ?? []
        var all: [RunEvaluation] = []
        for set in sets {
            // gfn-dist reward: the figures of the model's judgement, without a temperature.
            if let members = set["figures"] as? [String: Any] {
                let solutions = (members["solutions"] as? NSNumber)?.intValue ?? 0
                var figures: [String: Estimate] = [:]
                collect(members, below: "", problems: solutions, into: &figures)
                all.append(
                    RunEvaluation(
                        kind: .rewardModel, step: step ?? 0, dataset: set["dataset"] as? String ?? "", temperature: "",
                        problems: solutions, samplesPerProblem: 0, figures: figures))
                continue
            }
            guard let temperatures = set["temperatures"] as? [String: [String: Any]] else { return nil }
            func integer(_ key: String) -> Int { (set[key] as? NSNumber)?.intValue ?? 0 }
            let exact = set["exact"] as? [String: Any] ?? [:]
            for (temperature, members) in temperatures {
                var figures: [String: Estimate] = [:]
                collect(members, below: "", problems: integer("problems"), into: &figures)
                collect(exact, below: "exact.", problems: integer("problems"), into: &figures)
                all.append(
                    RunEvaluation(
                        kind: .policy, step: step ?? integer("policy_version"), dataset: set["dataset"] as? String ?? "",
                        temperature: temperature, problems: integer("problems"),
                        samplesPerProblem: integer("samples_per_problem"), figures: figures))
            }
        }
        return all.isEmpty ? nil : all
    }

    private static func collect(
        _ members: [String: Any], below prefix: String, problems: Int, into figures: inout [String: Estimate]
    ) {
        for (key, value) in members {
            switch value {
            case let value as NSNumber:
                let interval = (members[key + "_interval"] as? [NSNumber])?.map(\.doubleValue) ?? []
                let (low, high) = interval.count == 2 ? (interval[0], interval[1]) : (value.doubleValue, value.doubleValue)
                figures[prefix + key] = Estimate(value: value.doubleValue, low: low, high: high, problems: problems)
            case let nested as [String: Any]: collect(nested, below: "\(prefix)\(key).", problems: problems, into: &figures)
            default: break
            }
        }
    }
}
