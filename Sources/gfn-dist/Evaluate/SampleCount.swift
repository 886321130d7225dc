internal import Evaluation
internal import Problems

/// The figures of one set of samples on one data set: the second pass, which keeps the texts of a problem only until all its
/// samples were seen.
final class SampleCount {
    /// The tallies of a part of the problems.
    private typealias Tallies = [Temperature: TemperatureTally]

    private let set: SampleSet
    private let key: AnswerKey
    private let census: SampleCensus
    private let samplesPerProblem: Int
    private let options: EvaluationOptions
    private let judge: Judge
    /// The mean distance between embeddings of right solutions; nil where it is not measured.
    private let embeddingDistance: EmbeddingDistance?

    private var all = Tallies()
    private var groups: [String: [String: Tallies]] = [:]
    /// The runs of the set that this one is compared with.
    private let bases: [SampleCount]
    /// By run of the other set.
    private var differences: [[Temperature: Tally<Figure>]]
    /// Where other sets are compared with this one.
    private var values: ProblemValues?
    private(set) var policyVersions: Set<Int?> = []
    /// How many samples say of themselves that they are right, or not, and are judged otherwise.
    private(set) var disagreements = 0
    /// Process rewards by line, of a reward model that was asked; nil: what samples say themselves.
    private let rewards: [Int: Double]?
    /// How many samples have a process reward of their own that a reward model's stands for.
    private(set) var replacedRewards = 0

    /// A value of a field has tallies of its own, so there cannot be very many.
    static let mostGroups = 200

    /// - Parameters:
    ///   - isBase: whether other sets are compared with this one.
    ///   - bases: the runs of the set that this one is compared with, counted already.
    init(
        _ set: SampleSet, of key: AnswerKey, census: SampleCensus, samplesPerProblem: Int, isBase: Bool, against bases: [SampleCount],
        options: EvaluationOptions, judge: Judge, embeddingDistance: EmbeddingDistance?, rewards: [Int: Double]?
    ) {
        (self.set, self.key, self.census, self.samplesPerProblem) = (set, key, census, samplesPerProblem)
        (self.options, self.judge, self.bases) = (options, judge, bases)
        differences = bases.map { _ in [:] }
        values = isBase ? ProblemValues() : nil
        (self.embeddingDistance, self.rewards) = (embeddingDistance, rewards)
    }

    /// A problem's samples as they come, and what they amount to when all are there.
    private struct Pending {
        var samples: [(temperature: Temperature, index: Int?, sample: JudgedSamples.Sample)] = []
        var indices: Set<Place> = []
    }

    private struct Place: Hashable {
        let temperature: Temperature
        let index: Int
    }

    /// Reads the file.
    func run() throws {
        var pending: [Int: Pending] = [:]
        var ready: [Int: [Temperature: ProblemFigures]] = [:]
        let order = census.problems
        var next = 0
        var repeated: SampleRecord?
        try SampleFile.forEach(set.path) { sample in
            guard repeated == nil, let problem = census.problem(of: sample) else { return }
            let temperature = Temperature(sample.temperature)
            let verdict = key.verdict(on: sample, problem: problem, by: judge)
            if let recorded = sample.isCorrect, recorded != verdict.isCorrect { disagreements += 1 }
            if rewards != nil, sample.processReward != nil { replacedRewards += 1 }
            if policyVersions.count < 3 { policyVersions.insert(sample.policyVersion) }
            if let index = sample.sampleIndex,
                !pending[problem, default: Pending()].indices.insert(Place(temperature: temperature, index: index)).inserted
            {
                repeated = sample
                return
            }
            pending[problem, default: Pending()].samples.append(
                (
                    temperature, sample.sampleIndex,
                    JudgedSamples.Sample(
                        text: sample.text, verdict: verdict, isFinished: sample.isFinished, length: sample.tokens?.count,
                        entropyPerToken: sample.entropy, processReward: rewards.map { $0[sample.line] } ?? sample.processReward)
                ))
            guard pending[problem]?.samples.count == census.total(of: problem), let whole = pending.removeValue(forKey: problem)
            else { return }
            ready[problem] = figures(of: whole, problem)
            // Sums have the order of the problems, whatever the order of the lines.
            while next < order.count, let figures = ready.removeValue(forKey: order[next]) {
                add(figures, of: order[next])
                next += 1
            }
        }
        if let repeated {
            throw RunError.badData(
                "\(set.path):\(repeated.line) repeats sample_index \(repeated.sampleIndex ?? 0) of problem '\(repeated.problemID)' "
                    + "\(Temperature(repeated.temperature).phrase); each sample of a problem has another index")
        }
        guard next == order.count else { throw RunError.badData("\(set.path) changed while it was read: evaluate it when it is whole") }
        if groups.values.contains(where: { $0.count > Self.mostGroups }) {
            let field = groups.first { $0.value.count > Self.mostGroups }?.key ?? ""
            throw RunError.configuration(
                "--by \(field): there are more than \(Self.mostGroups) values, expected a field that makes groups of problems")
        }
    }

    private func figures(of pending: Pending, _ problem: Int) -> [Temperature: ProblemFigures] {
        Dictionary(grouping: pending.samples) { $0.temperature }.mapValues { entries in
            let isNumbered = entries.allSatisfy { $0.index != nil }
            let ordered = isNumbered ? entries.sorted { ($0.index ?? 0) < ($1.index ?? 0) } : entries
            let wanted = entries[0].temperature.isGreedy ? 1 : samplesPerProblem
            var judged = JudgedSamples(ordered.prefix(wanted).map(\.sample))
            let right = judged.samples.filter(\.verdict.isCorrect).map(\.text)
            judged.embeddingDistance = embeddingDistance?.mean(ofProblemNamed: key.names[problem], texts: right)
            return judged.figures(options)
        }
    }

    private func add(_ figures: [Temperature: ProblemFigures], of problem: Int) {
        for (temperature, result) in figures {
            add(result, temperature, problem, to: &all)
            values?.add(result.values, at: temperature, of: problem)
            for (index, base) in bases.enumerated() {
                guard let values = base.values?.difference(of: result.values, at: temperature, of: problem) else { continue }
                differences[index][temperature, default: Tally(resamples: options.resamples, seed: options.seed)].add(values, of: problem)
            }
            for (field, value) in key.fields[problem] where groups[field, default: [:]].count <= Self.mostGroups {
                add(result, temperature, problem, to: &groups[field, default: [:]][value, default: [:]])
            }
        }
    }

    private func add(_ result: ProblemFigures, _ temperature: Temperature, _ problem: Int, to tallies: inout Tallies) {
        tallies[temperature, default: TemperatureTally(options)].add(result, of: problem, named: key.names[problem])
    }

    /// What the runs of one set amount to; where there is one, it alone.
    /// - Parameters:
    ///   - place: of the set among others, each of which draws its runs for itself.
    ///   - basePlace: of the set that it is compared with.
    ///   - isNamed: whether there are others beside it.
    static func summary(of runs: [SampleCount], place: Int, basePlace: Int?, isNamed: Bool) -> EvaluationSummary {
        let first = runs[0], draws = first.draws(ofRuns: runs.count, place)
        let versions = runs.reduce(into: Set()) { $0.formUnion($1.policyVersions) }
        // The tallies of a part of the problems, of these runs and of those that they are compared with.
        func tallies(_ of: (SampleCount) -> Tallies) -> (own: Tallies, base: Tallies?) {
            let base = basePlace.flatMap { place in
                first.bases.isEmpty ? nil : combined(first.bases.map(of), first.draws(ofRuns: first.bases.count, place))
            }
            return (combined(runs.map(of), draws), base)
        }
        let (all, base) = tallies(\.all)
        var summary = EvaluationSummary(
            name: isNamed ? first.set.name : nil, dataset: first.key.name, samplesPerProblem: first.samplesPerProblem,
            policyVersion: versions.count == 1 ? versions.first ?? nil : nil, adapterSHA256: nil, all: first.part(all, against: base))
        summary.runs = runs.count
        summary.problemsWithoutSamples = first.key.count - first.census.problems.count
        summary.groups = first.groups.reduce(into: [:]) { groups, field in
            groups[field.key] = field.value.keys.reduce(into: [:]) { parts, value in
                let (own, base) = tallies { $0.groups[field.key]?[value] ?? [:] }
                parts[value] = first.part(own, against: base)
            }
        }
        if let basePlace, !first.bases.isEmpty { summary.difference = difference(of: runs, draws, basePlace) }
        return summary
    }

    private static func combined(_ tallies: [Tallies], _ draws: [[Double]]) -> Tallies {
        Set(tallies.flatMap(\.keys)).reduce(into: [:]) { result, temperature in
            let present = zip(tallies, draws).compactMap { tallies, draws in tallies[temperature].map { ($0, draws) } }
            result[temperature] = TemperatureTally.combined(present.map(\.0), draws: present.map(\.1))
        }
    }

    /// By accuracy that was asked for, the estimates that there are.
    private func atAccuracies(_ estimate: (DistinctKind, Double) -> Estimate?) -> [Double: [Figure: Estimate]] {
        options.accuracies.reduce(into: [:]) { result, accuracy in
            result[accuracy] = options.comparedKinds.reduce(into: [:]) { $0[.distinct($1)] = estimate($1, accuracy) }
        }
    }

    private func draws(ofRuns count: Int, _ place: Int) -> [[Double]] {
        // One run is there in every resample.
        count == 1
            ? [[Double](repeating: 1, count: options.resamples)]
            : Tally<Figure>.draws(ofRuns: count, inSet: place, resamples: options.resamples, seed: options.seed)
    }

    /// What the runs of a set have over those of the one that it is compared with, each run against each other, on the problems of both.
    private static func difference(of runs: [SampleCount], _ draws: [[Double]], _ basePlace: Int) -> EvaluationSummary.Difference {
        let bases = runs[0].bases, baseDraws = runs[0].draws(ofRuns: bases.count, basePlace)
        var pairs: [Temperature: [(tally: Tally<Figure>, draws: [Double])]] = [:]
        for (run, times) in zip(runs, draws) {
            for (differences, baseTimes) in zip(run.differences, baseDraws) {
                for (temperature, tally) in differences {
                    pairs[temperature, default: []].append((tally, zip(times, baseTimes).map { $0 * $1 }))
                }
            }
        }
        var estimates = pairs.mapValues { pairs in Tally.combined(pairs.map(\.tally), draws: pairs.map(\.draws)).estimates }
        let problems = estimates.values.compactMap { $0[.accuracy]?.problems }.max() ?? 0
        let greedy = estimates.removeValue(forKey: Temperature(0)) ?? [:]
        return EvaluationSummary.Difference(name: bases[0].set.name, problems: problems, greedy: greedy, temperatures: estimates)
    }

    /// - Parameter base: of the same problems, the set that this one is compared with.
    private func part(_ tallies: Tallies, against base: Tallies?) -> EvaluationSummary.Part {
        var summaries = tallies.compactMapValues(\.summary)
        let greedy = summaries.removeValue(forKey: Temperature(0))
        var part = EvaluationSummary.Part(
            problems: (Array(summaries.values) + [greedy].compactMap { $0 }).map(\.problems).max() ?? 0, greedy: greedy,
            temperatures: summaries)
        part.atAccuracy = atAccuracies { AccuracyCurve(tallies, distinct: $0).distinct(atAccuracy: $1) }
        if let base {
            part.ratiosAtAccuracy = atAccuracies { kind, accuracy in
                AccuracyCurve(tallies, distinct: kind).ratio(to: AccuracyCurve(base, distinct: kind), atAccuracy: accuracy)
            }
        }
        return part
    }
}
