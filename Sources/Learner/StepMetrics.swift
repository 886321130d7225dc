internal import Collective
internal import Model
internal import Rollout

/// What one update was like: equal on every learner, whatever their number.
package struct StepMetrics: Sendable, Equatable {
    /// Version of the policy after the update.
    package var policyVersion: Int
    /// Mean over the groups of all optimiser steps; nil when there were none.
    package var loss: Double?
    /// Mean over the groups of the mean, and of the variance, of H at the last state of a response.
    package var residualMean: Double
    package var residualVariance: Double
    /// Mean over the groups of the variance of H over all terminable states.
    package var pooledResidualVariance: Double
    /// Mean over the groups of log Z(x): learned, where the objective has it, otherwise −mean H.
    package var logPartitionMean: Double
    /// Nats per token position, under the policy before the update.
    package var entropy: Double
    /// Response tokens, without ⊤.
    package var tokensLearned: Int
    /// Of the policy's parameters, before clipping.
    package var gradientNorm: Double
    package var learningRate: Double
    /// The largest |recorded − recomputed| log-probability of the groups that the policy before the update sampled: it is
    /// 0, or rollout and learner disagree. Nil when there are no such groups.
    package var logProbabilityDifference: Double?
    /// Updates between sampling and learning, over the groups.
    package var ageMean: Double
    package var ageMaximum: Int
    /// What the method reports beside its loss, by name, as far as there was anything to report.
    package var measures: [NamedMean]
    /// Forward, objective and backward on this rank; waiting for and forming the sum over learners.
    package var secondsLearn: Double
    package var secondsReduce: Double
    /// Forward, objective and backward of each learner.
    package var secondsByLearner: [Double]
}

/// A mean that a method reports.
package struct NamedMean: Sendable, Equatable {
    package let name: String
    package let mean: Double
}

/// An update, or the reason why there is none: parameters and version are then what they were.
package enum UpdateResult: Sendable, Equatable {
    case stepped(StepMetrics)
    case fault(NumericalFault)
}

/// What a learner knows of one slot of an optimiser step; the learners exchange these, and all fold them in the order of slots.
///
/// Numbers of groups are sums over the slot's.
struct SlotRecord: Equatable {
    var slot: Int
    var groups = 0
    var loss = 0.0
    var residualMean = 0.0
    var residualVariance = 0.0
    var pooledVariance = 0.0
    var logPartition = 0.0
    var entropySum = 0.0
    var entropyCount = 0
    var tokens = 0
    var difference: Double?
    var age = 0
    var ageMaximum = 0
    /// By the method's names: sum and number of terms.
    var measures: [Double] = []

    init(slot: Int) { self.slot = slot }

    /// `isFirst`: whether the weights are still those before the step, so that its samples may be compared.
    mutating func add(
        _ group: TrajectoryGroup, value: ObjectiveValue, scores: [ResponseScores], root: Double?, version: Int, isFirst: Bool
    ) {
        groups += 1
        loss += value.loss
        residualMean += value.residuals.finalMean
        residualVariance += value.residuals.finalVariance
        pooledVariance += value.residuals.pooledVariance
        logPartition += root ?? value.residuals.logPartition
        for response in scores {
            entropySum += response.entropies.reduce(0) { $0 + Double($1) }
            entropyCount += response.entropies.count
            tokens += response.tokenLogProbabilities.count
        }
        let age = version - group.sampledWith
        self.age += age
        ageMaximum = max(ageMaximum, age)
        if age == 0, isFirst {
            difference = zip(group.trajectories, scores).reduce(difference ?? 0) { largest, pair in
                let recorded = pair.0.tokenLogProbabilities + pair.0.stopLogProbabilities
                let recomputed = pair.1.tokenLogProbabilities + pair.1.stopLogProbabilities
                return zip(recorded, recomputed).reduce(largest) { max($0, abs(Double($1.0) - Double($1.1))) }
            }
        }
        let terms = value.measures.flatMap { [$0.sum, $0.count] }
        measures = measures.isEmpty ? terms : zip(measures, terms).map { $0 + $1 }
    }

    /// Collective: the records of all learners in the order of slots, and the seconds that each learner spent on its own.
    static func gather(
        _ own: [SlotRecord], seconds: Double, over learners: any Communicator
    ) throws(CollectiveError) -> (records: [SlotRecord], seconds: [Double]) {
        var writer = ByteWriter(), spent: [Double] = []
        writer.write(seconds)
        for record in own { record.write(to: &writer) }
        var records: [SlotRecord] = []
        for (rank, bytes) in try learners.allGather(writer.bytes).enumerated() {
            var reader = ByteReader(bytes)
            do throws(ByteReaderError) {
                spent.append(try reader.read())
                while reader.remaining > 0 { records.append(try SlotRecord(from: &reader)) }
            } catch {
                throw CollectiveError(.allGather, rank: learners.rank, peer: rank, .mismatch("\(error)"))
            }
        }
        return (records.sorted { $0.slot < $1.slot }, spent)
    }

    private func write(to writer: inout ByteWriter) {
        for value in [slot, groups, entropyCount, tokens, age, ageMaximum] { writer.write(value) }
        for value in [loss, residualMean, residualVariance, pooledVariance, logPartition, entropySum] { writer.write(value) }
        writer.write(difference != nil)
        writer.write(difference ?? 0)
        writer.write(measures)
    }

    private init(from reader: inout ByteReader) throws(ByteReaderError) {
        slot = try reader.readInt()
        groups = try reader.readInt()
        entropyCount = try reader.readInt()
        tokens = try reader.readInt()
        age = try reader.readInt()
        ageMaximum = try reader.readInt()
        loss = try reader.read()
        residualMean = try reader.read()
        residualVariance = try reader.read()
        pooledVariance = try reader.read()
        logPartition = try reader.read()
        entropySum = try reader.read()
        let hasDifference = try reader.readFlag()
        let difference = try reader.read(Double.self)
        self.difference = hasDifference ? difference : nil
        measures = try reader.readArray()
    }
}

/// The records of all optimiser steps of one training step.
struct StepTally {
    private let measureNames: [String]
    private var records: [SlotRecord] = []
    private var gradientNorms: [Double] = []
    var secondsLearn = 0.0
    var secondsReduce = 0.0
    private(set) var secondsByLearner: [Double] = []

    init(_ measureNames: [String]) { self.measureNames = measureNames }

    /// The records of one optimiser step, in the order of slots.
    mutating func add(_ records: [SlotRecord], gradientNorm: Double) {
        self.records += records
        gradientNorms.append(gradientNorm)
    }

    /// What each learner spent on an optimiser step.
    mutating func add(secondsByLearner seconds: [Double]) {
        secondsByLearner = secondsByLearner.isEmpty ? seconds : zip(secondsByLearner, seconds).map { $0 + $1 }
    }

    func metrics(version: Int, learningRate: Double) -> StepMetrics {
        let groups = records.reduce(0) { $0 + $1.groups }
        let share = 1 / Double(max(groups, 1))
        func mean(_ value: (SlotRecord) -> Double) -> Double { records.reduce(0) { $0 + value($1) } * share }
        let positions = records.reduce(0) { $0 + $1.entropyCount }
        return StepMetrics(
            policyVersion: version, loss: groups > 0 ? mean(\.loss) : nil, residualMean: mean(\.residualMean),
            residualVariance: mean(\.residualVariance), pooledResidualVariance: mean(\.pooledVariance),
            logPartitionMean: mean(\.logPartition),
            entropy: records.reduce(0) { $0 + $1.entropySum } / Double(max(positions, 1)),
            tokensLearned: records.reduce(0) { $0 + $1.tokens },
            gradientNorm: gradientNorms.reduce(0, +) / Double(max(gradientNorms.count, 1)), learningRate: learningRate,
            logProbabilityDifference: records.compactMap(\.difference).max(), ageMean: mean { Double($0.age) },
            ageMaximum: records.map(\.ageMaximum).max() ?? 0, measures: measures, secondsLearn: secondsLearn,
            secondsReduce: secondsReduce, secondsByLearner: secondsByLearner)
    }

    private var measures: [NamedMean] {
        measureNames.enumerated().compactMap { index, name in
            let terms = records.filter { !$0.measures.isEmpty }
            let count = terms.reduce(0) { $0 + $1.measures[2 * index + 1] }
            return count > 0 ? NamedMean(name: name, mean: terms.reduce(0) { $0 + $1.measures[2 * index] } / count) : nil
        }
    }
}
