internal import Evaluation
internal import Foundation
internal import Problems

/// Counts sets of samples on data sets, and compares them.
struct EvaluateRun {
    /// The files of problems, or the embedded task's name.
    private(set) var datasets: [String]
    let options: EvaluationOptions
    let judge: Judge
    /// Fields of the problems that divide them.
    let fields: [String]
    /// The set that the others are compared with.
    let against: String?
    /// Take so many samples of each problem; nil: all.
    let samplesPerProblem: Int?
    /// How many problems; 0: all.
    private(set) var limit = 0
    /// By data set, where it is measured.
    private(set) var embeddings: [String: EmbeddingDistance]
    /// Of a reward model that was asked about given samples; nil: what samples say themselves.
    private(set) var rewards: RewardsByLine?
    let seed: UInt64

    struct Result {
        var summaries: [EvaluationSummary] = []
        /// What people should know.
        var notes: [String] = []
    }

    func with(_ embeddings: [String: EmbeddingDistance]) -> EvaluateRun {
        var run = self
        run.embeddings = embeddings
        return run
    }

    func with(_ rewards: RewardsByLine?) -> EvaluateRun {
        var run = self
        run.rewards = rewards
        return run
    }

    func limited(to limit: Int) -> EvaluateRun {
        var run = self
        run.limit = limit
        return run
    }

    func on(_ datasets: [String]) -> EvaluateRun {
        var run = self
        run.datasets = datasets
        return run
    }

    /// Reads all files; in the order of the data sets, within one of the sets.
    func summaries(of sets: [SampleSet]) throws -> Result {
        for set in sets { try set.requireFile() }
        let keys = try keys()
        var result = Result()
        for key in keys {
            result.notes += key.notes
            try count(sets, on: key, among: keys.map(\.name), into: &result)
        }
        return result
    }

    /// Reads the files of problems. Fails when samples of two of them could not be told apart.
    func keys() throws -> [AnswerKey] {
        let keys = try datasets.map(key(of:))
        let names = keys.map(\.name)
        if let twice = names.enumerated().first(where: { names[..<$0.offset].contains($0.element) })?.element {
            throw RunError.configuration("two data sets are called \(twice), and samples name theirs so: rename one of the files")
        }
        return keys
    }

    private func key(of path: String) throws -> AnswerKey {
        guard let split = RunConfiguration.split(named: path) else { return try AnswerKey(path, fields: fields, limit: limit) }
        if judge == .strictMatch || judge == .flexibleExtract {
            throw RunError.configuration("--judge \(judge.rawValue) compares texts, and the embedded task judges by the path: leave it out")
        }
        let layers = ConfigurationLayers()
        let configuration = try RunConfiguration(layers.setting("data.evaluate", to: path).setting("seed", to: "\(seed)"), for: .sampling)
        return try AnswerKey(configuration.pathSum(split), fields: fields, limit: limit)
    }

    private func count(_ sets: [SampleSet], on key: AnswerKey, among names: [String], into result: inout Result) throws {
        let censuses = try sets.map { set in
            try SampleCensus(set, of: key, among: names, needsVerdicts: judge == .recorded)
        }
        let numbers = try zip(sets, censuses).map { set, census in
            try census.samplesPerProblem(wanted: samplesPerProblem, set)
        }
        try requireEqualRuns(sets, censuses, numbers)
        let methods = sets.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let bases = against.map { name in sets.indices.filter { sets[$0].name == name } } ?? []
        if let base = bases.first {
            for index in sets.indices where numbers[index] != numbers[base] {
                throw RunError.configuration(
                    "\(sets[index].path) has \(numbers[index]) samples of a problem and \(sets[base].path) \(numbers[base]), which do not "
                        + "compare: take the first \(min(numbers[index], numbers[base])) of each with --samples-per-problem")
            }
        }
        var counts: [Int: SampleCount] = [:]
        // What the others are compared with comes first.
        for index in bases + sets.indices.filter({ !bases.contains($0) }) {
            let isBase = bases.contains(index)
            let count = SampleCount(
                sets[index], of: key, census: censuses[index], samplesPerProblem: numbers[index], isBase: isBase,
                against: isBase ? [] : bases.compactMap { counts[$0] }, options: options, judge: judge,
                embeddingDistance: embeddings[key.name], rewards: rewards.map { $0[sets[index].path] ?? [:] })
            try count.run()
            counts[index] = count
        }
        for (index, set) in sets.enumerated() {
            guard let count = counts[index] else { continue }
            // What is left out is left out of each data set, and said once.
            result.notes += notes(on: set, key, censuses[index], count).filter { !result.notes.contains($0) }
        }
        for (place, method) in methods.enumerated() {
            let runs = sets.indices.filter { sets[$0].name == method }.compactMap { counts[$0] }
            result.summaries.append(
                SampleCount.summary(
                    of: runs, place: place, basePlace: against.flatMap { methods.firstIndex(of: $0) }, isNamed: methods.count > 1))
        }
    }

    /// Fails unless the runs of each set have equally many samples of the same problems at the same temperatures.
    private func requireEqualRuns(_ sets: [SampleSet], _ censuses: [SampleCensus], _ numbers: [Int]) throws {
        for (index, set) in sets.enumerated() {
            guard let first = sets.firstIndex(where: { $0.name == set.name }), first < index else { continue }
            let pair = "\(sets[first].path) and \(set.path) are both called \(set.name), as runs of one method, and have"
            let remedy = "sample all runs alike, or give them other names"
            if numbers[first] != numbers[index] {
                throw RunError.badData("\(pair) \(numbers[first]) and \(numbers[index]) samples of a problem: \(remedy)")
            }
            let (one, other) = (censuses[first].counts, censuses[index].counts)
            if one.keys.sorted() != other.keys.sorted() {
                func names(_ counts: [Temperature: [Int]]) -> String { counts.keys.sorted().map(\.description).joined(separator: ", ") }
                throw RunError.badData("\(pair) temperatures \(names(one)) and \(names(other)): \(remedy)")
            }
            if censuses[first].problems != censuses[index].problems {
                throw RunError.badData(
                    "\(pair) samples of different problems (\(censuses[first].problems.count) and \(censuses[index].problems.count)): "
                        + remedy)
            }
        }
    }

    private func notes(on set: SampleSet, _ key: AnswerKey, _ census: SampleCensus, _ count: SampleCount) -> [String] {
        var notes: [String] = []
        let missing = key.count - census.problems.count
        if missing > 0 {
            notes.append(
                "\(set.path) has no samples of \(missing) of the \(key.count) problems of \(key.name): figures are of the other "
                    + "\(key.count - missing)")
        }
        if let uneven = census.unevenTemperatures(set) { notes.append(uneven) }
        notes += census.notes(on: set, use: "evaluated")
        if count.disagreements > 0 {
            notes.append(
                "\(count.disagreements) samples of \(set.path) say of themselves whether they are right, and are judged otherwise here; "
                    + "--judge recorded goes by what they say")
        }
        if count.replacedRewards > 0 {
            notes.append(
                "\(count.replacedRewards) samples of \(set.path) have a process_reward of their own: the reward model was "
                    + "asked instead")
        }
        if judge == .recorded { notes.append("\(set.path) is judged as its samples say themselves") }
        return notes
    }
}
