/// Distinct correct solutions against accuracy over the temperatures of one method, read at an accuracy: counts of solutions mix accuracy
/// and variety, and compare where accuracies are equal.
package struct AccuracyCurve: Sendable {
    /// The mean over all problems, or that of one resample of the bootstrap.
    typealias Point = (accuracy: Double, distinct: Double)

    /// By resample, after the curve of all problems: the points that have a mean, temperatures ascending.
    private let curves: [[Point]]
    private let problems: Int

    /// - Parameter tallies: greedy solutions, of which there is one of each problem, are left out.
    package init(_ tallies: [Temperature: TemperatureTally], distinct kind: DistinctKind) {
        let series = tallies.filter { !$0.key.isGreedy }.sorted { $0.key < $1.key }.compactMap { _, tally in
            tally.series(.accuracy).flatMap { accuracy in tally.series(.distinct(kind)).map { (accuracy, $0) } }
        }
        curves = (0..<(series.first?.0.means.count ?? 0)).map { index in
            series.compactMap { accuracy, distinct in
                accuracy.means[index].flatMap { a in distinct.means[index].map { (accuracy: a, distinct: $0) } }
            }
        }
        problems = series.map(\.1.problems).max() ?? 0
    }

    /// The most distinct correct solutions at an accuracy of at least this much, along straight lines between neighbouring temperatures;
    /// nil where no temperature is as accurate. Resamples in which none is are left out of the interval.
    package func distinct(atAccuracy accuracy: Double) -> Estimate? {
        guard let all = curves.first, let value = Self.read(all, at: accuracy) else { return nil }
        return Estimate(value, resamples: curves.dropFirst().compactMap { Self.read($0, at: accuracy) }, problems: problems)
    }

    /// How many times as many as another method has; nil where one of both is never as accurate, or the other has none.
    package func ratio(to other: AccuracyCurve, atAccuracy accuracy: Double) -> Estimate? {
        let ratios = zip(curves, other.curves).map { a, b -> Double? in
            guard let a = Self.read(a, at: accuracy), let b = Self.read(b, at: accuracy), b > 0 else { return nil }
            return a / b
        }
        guard let value = ratios.first ?? nil else { return nil }
        return Estimate(value, resamples: ratios.dropFirst().compactMap { $0 }, problems: problems)
    }

    static func read(_ points: [Point], at accuracy: Double) -> Double? {
        var candidates = points.filter { $0.accuracy >= accuracy }.map(\.distinct)
        for (a, b) in zip(points, points.dropFirst()) where (a.accuracy - accuracy) * (b.accuracy - accuracy) < 0 {
            candidates.append(a.distinct + (b.distinct - a.distinct) * (accuracy - a.accuracy) / (b.accuracy - a.accuracy))
        }
        return candidates.max()
    }
}
