package import Problems

/// What is counted, and how.
package struct EvaluationOptions: Sendable, Equatable {
    /// Of the ROUGE-L F-measure: two solutions below it are different.
    package var thresholds = [0.6, 0.7, 0.8]
    package var method = DistinctMethod.greedy
    /// Whether ROUGE-L compares the stems of words.
    package var stemmer = false
    /// At which sets are compared.
    package var accuracies: [Double] = []
    /// Resamples of the bootstrap.
    package var resamples = 1000
    /// Of the bootstrap.
    package var seed: UInt64 = 0

    package init() {}

    /// The ways of telling solutions apart in which sets are compared at equal accuracy.
    package var comparedKinds: [DistinctKind] { [.exact] + thresholds.map { .rougeL($0) } }

    /// The threshold that a picture shows: 0.7 if it is among them, else the one in the middle.
    package var pictureThreshold: Double { thresholds.contains(0.7) ? 0.7 : thresholds[thresholds.count / 2] }
}

/// All samples of one problem at one temperature, in the order in which they were sampled, judged.
package struct JudgedSamples: Sendable {
    package struct Sample: Sendable {
        package var text: String
        package var verdict: Verdict
        /// Whether the policy ended it, rather than the limit of tokens; nil where that is not known.
        package var isFinished: Bool?
        /// Response tokens without ⊤; nil where they are not known.
        package var length: Int?
        /// Mean entropy of the policy's next-token distribution along the response, in nats; nil where it was not measured.
        package var entropyPerToken: Double?
        /// What a process reward model makes of the whole solution, from 0 to 1; nil where none judged it.
        package var processReward: Double?

        package init(
            text: String, verdict: Verdict, isFinished: Bool? = nil, length: Int? = nil, entropyPerToken: Double? = nil,
            processReward: Double? = nil
        ) {
            self.text = text
            self.verdict = verdict
            self.isFinished = isFinished
            self.length = length
            self.entropyPerToken = entropyPerToken
            self.processReward = processReward
        }
    }

    package var samples: [Sample]
    /// The mean distance between the embeddings of two right ones; nil where it was not measured, or there are not two.
    package var embeddingDistance: Double?

    package init(_ samples: [Sample], embeddingDistance: Double? = nil) {
        precondition(!samples.isEmpty, "a problem without samples")
        (self.samples, self.embeddingDistance) = (samples, embeddingDistance)
    }

    private var correct: [Bool] { samples.map(\.verdict.isCorrect) }

    /// 1 if the majority answer of the first k samples is right, else 0.
    package func majority(at k: Int) -> Double {
        isRight(SampleMetrics.majority(of: samples.prefix(k).map(\.verdict.answer)), among: samples.prefix(k)) ? 1 : 0
    }

    private func isRight(_ answer: String?, among voters: ArraySlice<Sample>) -> Bool {
        answer.map { answer in voters.contains { $0.verdict.answer == answer && $0.verdict.isCorrect } } ?? false
    }

    /// Of each sample in turn; nil unless all have one.
    private var processRewards: [Double]? {
        let rewards = samples.compactMap(\.processReward)
        return rewards.count == samples.count ? rewards : nil
    }

    /// All that is said of them.
    package func figures(_ options: EvaluationOptions) -> ProblemFigures {
        let (n, right) = (samples.count, correct.count { $0 })
        var values: [Figure: Double] = [
            .accuracy: Double(right) / Double(n),
            .words: mean(samples.map { Double(Self.wordCount(of: $0.text)) }) ?? 0,
        ]
        for k in 1...n {
            values[.pass(k)] = SampleMetrics.pass(at: k, samples: n, correct: right)
            values[.majority(k)] = majority(at: k)
        }
        if let rewards = processRewards {
            for k in 1...n {
                let (chosen, weights) = (samples.prefix(k), Array(rewards.prefix(k)))
                values[.bestOf(k)] = chosen[SampleMetrics.firstHighest(of: weights)].verdict.isCorrect ? 1 : 0
                let answer = SampleMetrics.majority(of: chosen.map(\.verdict.answer), weights: weights)
                values[.weightedMajority(k)] = isRight(answer, among: chosen) ? 1 : 0
            }
        }
        let texts = samples.map(\.text)
        values[.distinct(.exact)] = Double(DistinctSolutions.exactCount(of: texts, correct: correct))
        values[.distinct(.equations)] = Double(DistinctSolutions.equationCount(of: texts, correct: correct))
        let distinct = DistinctSolutions(texts: texts, correct: correct, stemmer: options.stemmer)
            .counts(thresholds: options.thresholds, method: options.method)
        for count in distinct { values[.distinct(.rougeL(count.threshold))] = Double(count.count) }
        let rightTexts = zip(texts, correct).filter { $0.1 }.map { $0.0 }
        let diversity = NGramDiversity(of: rightTexts)
        for (index, share) in diversity.distinct.enumerated() { values[.distinctNGrams(index + 1)] = share }
        values[.selfBLEU] = diversity.selfBLEU
        values[.embeddingDistance] = embeddingDistance
        values[.unfinished] = Self.meanOfAll(samples.map { $0.isFinished.map { $0 ? 0 : 1 } })
        values[.length] = Self.meanOfAll(samples.map { $0.length.map(Double.init) })
        values[.entropyPerToken] = Self.meanOfAll(samples.map(\.entropyPerToken))
        var (verdicts, examples): ([Verdict.Reason: Int], [Verdict.Reason: String]) = ([:], [:])
        for sample in samples {
            verdicts[sample.verdict.reason, default: 0] += 1
            if examples[sample.verdict.reason] == nil { examples[sample.verdict.reason] = sample.text }
        }
        return ProblemFigures(values: values, verdicts: verdicts, examples: examples, isExact: distinct.allSatisfy(\.isExact))
    }

    /// Nil unless all have a value.
    private static func meanOfAll(_ values: [Double?]) -> Double? {
        let known = values.compactMap { $0 }
        return known.count == values.count ? mean(known) : nil
    }

    private static func wordCount(of text: String) -> Int {
        var (count, isInWord) = (0, false)
        for byte in text.utf8 {
            let isSpace = byte == 0x20 || (0x09...0x0D).contains(byte)
            if !isSpace, !isInWord { count += 1 }
            isInWord = !isSpace
        }
        return count
    }
}

/// What is said of the samples of one problem at one temperature.
package struct ProblemFigures: Sendable, Equatable, Codable {
    package var values: [Figure: Double]
    /// How many samples were judged so.
    package var verdicts: [Verdict.Reason: Int]
    /// The text of the first sample that was judged so.
    package var examples: [Verdict.Reason: String]
    /// Whether no count of distinct solutions is a lower bound only.
    package var isExact: Bool

    package var sampleCount: Int { verdicts.values.reduce(0, +) }
}
