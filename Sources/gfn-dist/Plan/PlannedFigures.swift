internal import Foundation

/// A line of `gfn-dist plan --json`, as far as a run can be held against it: bytes, seconds and tokens of a step.
struct PlannedFigures: Codable, Sendable, Equatable {
    let nodes, ranksPerNode: Int
    let memoryNodeBytes: Int
    let secondsStep, secondsSample, secondsScore, secondsLearn: Double
    let tokensPerStep, syncWeightBytes: Int

    var ranks: Int { nodes * ranksPerNode }

    /// All layouts of a file, the chosen one first.
    /// - Throws: `RunError.missingInput` where there is no file, `RunError.badData` where it is no plan.
    static func all(reading path: String) throws(RunError) -> [PlannedFigures] {
        guard let text = try RunRecord.text(of: path) else {
            throw .missingInput("there is no file \(path), expected what gfn-dist plan --json printed")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        var all: [PlannedFigures] = []
        for (index, line) in text.split(separator: "\n").enumerated() {
            do { all.append(try decoder.decode(PlannedFigures.self, from: Data(line.utf8))) } catch {
                throw .badData("\(path), line \(index + 1) is not a plan, expected what gfn-dist plan --json printed")
            }
        }
        guard !all.isEmpty else { throw .badData("\(path) is empty, expected what gfn-dist plan --json printed") }
        return all
    }

    /// The first layout with as many ranks as the run had; where the run does not say, the chosen one.
    static func of(_ record: RunRecord, in plans: [PlannedFigures], from path: String) throws(RunError) -> PlannedFigures? {
        guard let ranks = record.ranks else { return plans.first }
        guard let plan = plans.first(where: { $0.ranks == ranks }) else {
            let planned = Set(plans.map(\.ranks)).sorted().map { "\($0)" }.joined(separator: ", ")
            throw .badData(
                "\(path) has plans of \(planned) ranks, but the run in \(record.folder) had \(ranks): "
                    + "plan it with gfn-dist plan --ranks \(ranks) --json")
        }
        return plan
    }
}
