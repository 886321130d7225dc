package import Foundation

extension Certificate {
    /// One JSON object with sorted keys. Numbers that JSON cannot hold are null, as is what there is none of.
    ///
    /// `figures` has the worst value and the mean of each figure over the problems, of gaps their sizes, and log Z of each problem;
    /// `problems` has every figure of each.
    package func json(pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(node)
    }

    private var node: JSONNode {
        var spreads: [String: JSONNode] = ["log_partition": .list(figures.map { .finite($0.logPartition) })]
        for figure in ProportionalityFigure.allCases {
            let spread = figure.spread(over: figures)
            spreads[figure.rawValue] = .object(["worst": .finite(spread?.worst), "mean": .finite(spread?.mean)])
        }
        return .object([
            "task": .text(task), "objective": .text(objective), "start": .text(start),
            "lag": lag.map { .integer($0) } ?? .null, "steps": steps.map { .integer($0) } ?? .null, "ends": .integer(ends),
            "bounds": .object([
                "total_variation": .finite(bounds.totalVariation), "log_partition": .finite(bounds.logPartition),
            ]),
            "figures": .object(spreads),
            "problems": .list(zip(figures, problems).map { .object(Self.members(of: $0, named: $1.name)) }),
            "verdict": .boolean(holds), "misses": .list(misses.map { .text($0) }),
        ])
    }

    private static func members(of figures: ProportionalityFigures, named name: String) -> [String: JSONNode] {
        var object: [String: JSONNode] = [
            "name": .text(name), "ends": .integer(figures.ends), "log_partition": .finite(figures.logPartition),
            "implied_log_partition": .finite(figures.impliedLogPartition),
            "learned_log_partition": .finite(figures.learnedLogPartition),
        ]
        for figure in ProportionalityFigure.allCases { object[figure.rawValue] = .finite(figure.value(of: figures)) }
        return object
    }
}
