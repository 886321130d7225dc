internal import Collective

/// What one update was like: equal on every learner, whatever their number.
package struct StepMetrics: Sendable, Equatable {
    /// Version of the policy after the update.
    package var policyVersion: Int
    /// Mean over the groups.
    package var loss: Double
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
    /// Forward, objective and backward on this rank; waiting for and forming the sum over learners.
    package var secondsLearn: Double
    package var secondsReduce: Double
}

/// An update, or the reason why there is none: parameters and version are then what they were.
package enum UpdateResult: Sendable, Equatable {
    case stepped(StepMetrics)
    case fault(NumericalFault)
}

/// What a learner knows of one slot; the learners exchange these, and all fold them in the order of slots.
struct SlotRecord: Equatable {
    var slot: Int
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

    /// Collective: the records of all learners in the order of slots.
    static func gather(_ own: [SlotRecord], over learners: any Communicator) throws(CollectiveError) -> [SlotRecord] {
        var writer = ByteWriter()
        for record in own { record.write(to: &writer) }
        var records: [SlotRecord] = []
        for (rank, bytes) in try learners.allGather(writer.bytes).enumerated() {
            var reader = ByteReader(bytes)
            do throws(ByteReaderError) {
                while reader.remaining > 0 { records.append(try SlotRecord(from: &reader)) }
            } catch {
                throw CollectiveError(.allGather, rank: learners.rank, peer: rank, .mismatch("\(error)"))
            }
        }
        return records.sorted { $0.slot < $1.slot }
    }

    private func write(to writer: inout ByteWriter) {
        writer.write(slot)
        for value in [loss, residualMean, residualVariance, pooledVariance, logPartition, entropySum] { writer.write(value) }
        writer.write(entropyCount)
        writer.write(tokens)
        writer.write(difference != nil)
        writer.write(difference ?? 0)
        writer.write(age)
    }

    private init(from reader: inout ByteReader) throws(ByteReaderError) {
        slot = try reader.readInt()
        loss = try reader.read()
        residualMean = try reader.read()
        residualVariance = try reader.read()
        pooledVariance = try reader.read()
        logPartition = try reader.read()
        entropySum = try reader.read()
        entropyCount = try reader.readInt()
        tokens = try reader.readInt()
        let hasDifference = try reader.readFlag()
        let difference = try reader.read(Double.self)
        self.difference = hasDifference ? difference : nil
        age = try reader.readInt()
    }

    init(slot: Int) { self.slot = slot }
}

extension StepMetrics {
    /// Folds the records, which must be in the order of slots. `lossIsSum`: the records hold shares of the loss.
    init(
        _ records: [SlotRecord], version: Int, gradientNorm: Double, learningRate: Double, lossIsSum: Bool = false,
        secondsLearn: Double, secondsReduce: Double
    ) {
        let share = 1 / Double(max(records.count, 1))
        func mean(_ value: (SlotRecord) -> Double) -> Double { records.reduce(0) { $0 + value($1) } * share }
        let positions = records.reduce(0) { $0 + $1.entropyCount }
        self.init(
            policyVersion: version, loss: lossIsSum ? records.reduce(0) { $0 + $1.loss } : mean(\.loss),
            residualMean: mean(\.residualMean), residualVariance: mean(\.residualVariance),
            pooledResidualVariance: mean(\.pooledVariance), logPartitionMean: mean(\.logPartition),
            entropy: records.reduce(0) { $0 + $1.entropySum } / Double(max(positions, 1)),
            tokensLearned: records.reduce(0) { $0 + $1.tokens }, gradientNorm: gradientNorm, learningRate: learningRate,
            logProbabilityDifference: records.compactMap(\.difference).max(), ageMean: mean { Double($0.age) },
            ageMaximum: records.map(\.age).max() ?? 0, secondsLearn: secondsLearn, secondsReduce: secondsReduce)
    }
}
