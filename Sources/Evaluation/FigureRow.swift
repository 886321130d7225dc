/// A figure as people read it in a table.
struct FigureRow: Equatable {
    var figure: Figure
    var label: String
    /// After the point.
    var digits = 3

    /// Those of the figures that a table shows, in its order: pass@k for powers of two and for all samples, majorities and the best
    /// of all, the length in words only where that in tokens is not known.
    static func rows(for figures: some Sequence<Figure>, samplesPerProblem n: Int) -> [FigureRow] {
        let present = Set(figures)
        var rows = [FigureRow(figure: .accuracy, label: "accuracy")]
        for k in powersOfTwo(upTo: n) { rows.append(FigureRow(figure: .pass(k), label: "pass@\(k)")) }
        rows.append(FigureRow(figure: .majority(n), label: "maj@\(n)"))
        rows.append(FigureRow(figure: .bestOf(n), label: "best@\(n)"))
        rows.append(FigureRow(figure: .weightedMajority(n), label: "weighted maj@\(n)"))
        rows.append(FigureRow(figure: .distinct(.exact), label: "distinct, exact", digits: 2))
        rows.append(FigureRow(figure: .distinct(.equations), label: "distinct, equations", digits: 2))
        for threshold in thresholds(of: present) {
            rows.append(FigureRow(figure: .distinct(.rougeL(threshold)), label: "distinct, ROUGE-L \(threshold)", digits: 2))
        }
        for n in 1...4 { rows.append(FigureRow(figure: .distinctNGrams(n), label: "distinct-\(n)")) }
        rows.append(FigureRow(figure: .selfBLEU, label: "self-BLEU"))
        rows.append(FigureRow(figure: .embeddingDistance, label: "embedding distance"))
        rows.append(FigureRow(figure: .entropyPerToken, label: "entropy/token, nats"))
        rows.append(FigureRow(figure: .length, label: "length, tokens", digits: 1))
        if !present.contains(.length) { rows.append(FigureRow(figure: .words, label: "length, words", digits: 1)) }
        rows.append(FigureRow(figure: .unfinished, label: "unfinished"))
        return rows.filter { present.contains($0.figure) }
    }

    /// The thresholds of ROUGE-L that the figures have, in ascending order.
    static func thresholds(of figures: some Sequence<Figure>) -> [Double] {
        var thresholds: Set<Double> = []
        for case .distinct(.rougeL(let threshold)) in figures { thresholds.insert(threshold) }
        return thresholds.sorted()
    }

    /// 1, 2, 4, … and n itself.
    private static func powersOfTwo(upTo n: Int) -> [Int] {
        var counts: [Int] = []
        var k = 1
        while k < n {
            counts.append(k)
            k *= 2
        }
        return counts + [n]
    }
}

extension EvaluationSummary {
    /// What a table or a legend calls the set of samples.
    var label: String { name ?? policyVersion.map { "policy version \($0)" } ?? "samples" }

    /// The thresholds of ROUGE-L that occur at any temperature.
    var thresholds: [Double] { FigureRow.thresholds(of: all.temperatures.values.flatMap(\.figures.keys)) }

    /// In the order in which the data sets first occur.
    static func byDataset(_ summaries: [EvaluationSummary]) -> [(dataset: String, summaries: [EvaluationSummary])] {
        var groups: [(dataset: String, summaries: [EvaluationSummary])] = []
        for summary in summaries {
            if let index = groups.firstIndex(where: { $0.dataset == summary.dataset }) {
                groups[index].summaries.append(summary)
            } else {
                groups.append((summary.dataset, [summary]))
            }
        }
        return groups
    }
}
