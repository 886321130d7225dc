internal import Evaluation
internal import Problems

/// How many samples a set has of each problem of a data set: the first of two passes, which finds out what is missing.
struct SampleCensus: Sendable {
    /// By temperature and problem.
    private(set) var counts: [Temperature: [Int]] = [:]
    /// Whether samples name problems by their place in the file, though the file has other names for them.
    private var usesPlaces = false
    /// Whether all samples of the file count, whatever data set they say they are of.
    private let takesAll: Bool
    /// Samples of other data sets than the ones that are evaluated, by data set.
    private var others: [String: Int] = [:]
    private let key: AnswerKey

    /// Reads the file and checks it against the problems.
    ///
    /// - Parameters:
    ///   - datasets: the names of all data sets that are evaluated.
    ///   - needsVerdicts: whether each sample must say itself whether it is right.
    init(_ set: SampleSet, of key: AnswerKey, among datasets: [String], needsVerdicts: Bool) throws {
        self.key = key
        var findings = Findings()
        try SampleFile.forEach(set.path) { findings.add($0, key) }
        takesAll = datasets.count == 1 && findings.datasets.count == 1
        // Its parts have problems of the same numbers.
        if takesAll, RunConfiguration.split(named: key.name) != nil, let other = findings.datasets.first ?? nil, other != key.name,
            RunConfiguration.split(named: other) != nil
        {
            throw RunError.badData("\(set.path) has samples of \(other), expected \(key.name): evaluate the part that was sampled")
        }
        if datasets.count > 1, let line = findings.unnamed {
            throw RunError.badData(
                "\(set.path):\(line) does not say of which data set it is, expected dataset to be one of "
                    + "\(datasets.joined(separator: ", ")); give the samples that field, or evaluate one file of problems at a time")
        }
        // Samples that call problems by number, where the file calls them otherwise.
        if findings.known == 0, findings.places == findings.total, findings.total > 0 { usesPlaces = true }
        var (unknown, firstUnknown, withoutVerdict): (Int, SampleRecord?, Int?) = (0, nil, nil)
        var (counts, others) = ([Temperature: [Int]](), [String: Int]())
        let taken = (takesAll: takesAll, usesPlaces: usesPlaces)
        try SampleFile.forEach(set.path) { sample in
            if !taken.takesAll, let dataset = sample.dataset, dataset != key.name {
                if !datasets.contains(dataset) { others[dataset, default: 0] += 1 }
                return
            }
            guard let problem = Self.problem(of: sample, key, usesPlaces: taken.usesPlaces) else {
                unknown += 1
                firstUnknown = firstUnknown ?? sample
                return
            }
            if needsVerdicts, sample.isCorrect == nil { withoutVerdict = withoutVerdict ?? sample.line }
            counts[Temperature(sample.temperature), default: [Int](repeating: 0, count: key.count)][problem] += 1
        }
        (self.counts, self.others) = (counts, others)
        if let first = firstUnknown {
            throw RunError.badData(
                "\(set.path) has \(unknown) sample\(unknown == 1 ? "" : "s") of problems that \(key.name) does not have: the first, line "
                    + "\(first.line), has problem_id '\(first.problemID)', and the file's problems are called "
                    + Self.names(of: key))
        }
        if let line = withoutVerdict {
            throw RunError.badData("\(set.path):\(line) has no correct, which --judge recorded goes by: give it, or judge by answers")
        }
        guard !counts.isEmpty else { throw RunError.badData("\(set.path) has no sample of a problem of \(key.name)") }
    }

    /// The first ones and the last, for messages.
    private static func names(of key: AnswerKey) -> String {
        key.names.prefix(2).map { "'\($0)'" }.joined(separator: ", ") + (key.count > 2 ? " … '\(key.names[key.count - 1])'" : "")
    }

    /// What a first look at the file finds.
    private struct Findings {
        var total = 0, known = 0, places = 0
        /// The names of data sets; nil is one without a name.
        var datasets: Set<String?> = []
        /// The first line that does not name its data set.
        var unnamed: Int?

        mutating func add(_ sample: SampleRecord, _ key: AnswerKey) {
            total += 1
            if key.problem(named: sample.problemID) != nil { known += 1 }
            if Int(sample.problemID).map({ (0..<key.count).contains($0) }) == true { places += 1 }
            if datasets.count < 1000 { datasets.insert(sample.dataset) }
            if sample.dataset == nil { unnamed = unnamed ?? sample.line }
        }
    }

    /// The problem that a sample of this data set is of; nil for one of another data set.
    func problem(of sample: SampleRecord) -> Int? {
        if !takesAll, let dataset = sample.dataset, dataset != key.name { return nil }
        return Self.problem(of: sample, key, usesPlaces: usesPlaces)
    }

    private static func problem(of sample: SampleRecord, _ key: AnswerKey, usesPlaces: Bool) -> Int? {
        guard usesPlaces else { return key.problem(named: sample.problemID) }
        return Int(sample.problemID).flatMap { (0..<key.count).contains($0) ? $0 : nil }
    }

    /// The problems that have samples.
    var problems: [Int] { (0..<key.count).filter { problem in counts.values.contains { $0[problem] > 0 } } }

    /// How many samples of a problem the file has in all.
    func total(of problem: Int) -> Int { counts.values.reduce(0) { $0 + $1[problem] } }

    /// The number of samples of each problem at a temperature, the same for all that have any.
    ///
    /// - Parameter wanted: take so many of each, the first ones; nil: as many as there are.
    func samplesPerProblem(wanted: Int?, _ set: SampleSet) throws -> Int {
        var found: Int?
        for (temperature, counts) in counts.sorted(by: { $0.key < $1.key }) where !temperature.isGreedy {
            let present = counts.filter { $0 > 0 }
            guard let least = present.min(), let most = present.max() else { continue }
            let place = "\(set.path) has \(temperature.phrase)"
            if let wanted, least < wanted {
                throw RunError.badData(
                    "\(place) \(least) samples of problem '\(key.names[counts.firstIndex(of: least) ?? 0])' and fewer than \(wanted) of "
                        + "\(present.count { $0 < wanted }) of its \(present.count) problems; lower "
                        + "--samples-per-problem to at most \(least)")
            }
            if wanted == nil, least < most {
                throw RunError.badData(
                    "\(place) from \(least) (problem '\(key.names[counts.firstIndex(of: least) ?? 0])') to \(most) samples of a problem, "
                        + "and counts of unequal numbers do not compare: give all the same number, or take the first \(least) of each with "
                        + "--samples-per-problem \(least)")
            }
            let number = wanted ?? least
            if let found, found != number {
                throw RunError.badData(
                    "\(set.path) has \(found) samples of a problem at one temperature and \(number) at another, and counts of unequal "
                        + "numbers do not compare: take the first \(min(found, number)) of each with --samples-per-problem \(min(found, number))")
            }
            found = number
        }
        return found ?? 1
    }

    /// How samples were taken that do not name problems of this data set as it does, in sentences.
    /// - Parameter use: what is done with the others.
    func notes(on set: SampleSet, use: String) -> [String] {
        let places = "\(set.path) names problems by their places from 0, though \(key.name) has names for them: taken as places"
        return (usesPlaces ? [places] : [])
            + others.sorted { $0.key < $1.key }.map { dataset, samples in
                "\(set.path) has \(samples) samples of \(dataset), which is not \(use): left out"
            }
    }

    /// Problems with samples at some temperatures only, as a sentence; nil when there are none.
    func unevenTemperatures(_ set: SampleSet) -> String? {
        let problems = problems
        let parts = counts.sorted { $0.key < $1.key }.compactMap { temperature, counts in
            let missing = problems.count { counts[$0] == 0 }
            return missing == 0 ? nil : "\(missing) of \(problems.count) problems have none \(temperature.phrase)"
        }
        return parts.isEmpty ? nil : "\(set.path): \(parts.joined(separator: ", ")); each temperature's figures are of the problems it has"
    }
}

extension Temperature {
    /// In a sentence.
    var phrase: String { value == nil ? "without a temperature" : "at temperature \(self)" }
}
