internal import Model

/// A solution that was sampled, as `sample` and a run's `samples/` write it. Only the problem and the text are required.
package struct SampleRecord: Sendable, Equatable {
    /// A number in our files; others may have names.
    package var problemID: String
    package var sampleIndex: Int?
    /// The file of problems.
    package var dataset: String?
    package var temperature: Double?
    package var prompt: String?
    package var text: String
    package var tokens: [Int]?
    /// Nats.
    package var logProbability: Double?
    /// Mean per token, nats.
    package var entropy: Double?
    /// Whether the policy ended it, rather than a limit; nil where the file does not say it.
    package var isFinished: Bool?
    package var answer: String?
    package var isCorrect: Bool?
    package var reward: Double?
    /// What a process reward model makes of the whole solution, from 0 to 1.
    package var processReward: Double?
    package var policyVersion: Int?
    /// Where its file has it, from 1.
    package var line: Int
}

/// Samples from JSON Lines.
package enum SampleFile {
    private static let kind = "samples"
    /// What tools write as the reason why a sample ended. Whatever is not here is no reason that is known.
    private static let finished: Set = ["stop", "eos", "end", "stop_token", "eos_token", "end_turn"]
    private static let unfinished: Set = ["length", "max_tokens", "limit"]

    package static func read(_ path: String) throws(DataFileError) -> [SampleRecord] { try JSONLines.read(path, kind: kind, sample) }

    package static func parse(_ bytes: [UInt8], path: String) throws(DataFileError) -> [SampleRecord] {
        try JSONLines.parse(bytes, path: path, kind: kind, sample)
    }

    /// Hands the samples on one at a time, so that none has to be kept.
    package static func forEach(_ path: String, _ body: (SampleRecord) -> Void) throws(DataFileError) {
        _ = try JSONLines.read(path, kind: kind) { (record, line) throws(JSONRecord.Fault) in body(try sample(record, line: line)) }
    }

    private static func sample(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> SampleRecord {
        SampleRecord(
            problemID: try record.text("problem_id"), sampleIndex: try record.optionalInteger("sample_index"),
            dataset: try record.optionalText("dataset"), temperature: try temperature(record),
            prompt: try record.optionalText("prompt"), text: try record.text("text"), tokens: try record.optionalIntegers("tokens"),
            logProbability: try record.optionalNumber("logprob"), entropy: try record.optionalNumber("entropy"),
            isFinished: try isFinished(record), answer: try record.optionalText("answer"),
            isCorrect: try record.optionalBoolean("correct"), reward: try record.optionalNumber("reward"),
            processReward: try processReward(record), policyVersion: try record.optionalInteger("policy_version"), line: line)
    }

    private static func processReward(_ record: JSONRecord) throws(JSONRecord.Fault) -> Double? {
        guard let reward = try record.optionalNumber("process_reward") else { return nil }
        guard (0...1).contains(reward) else { throw record.fault("process_reward", expected: "a number from 0 to 1") }
        return reward
    }

    private static func temperature(_ record: JSONRecord) throws(JSONRecord.Fault) -> Double? {
        guard let temperature = try record.optionalNumber("temperature") else { return nil }
        guard temperature.isFinite, temperature >= 0 else { throw record.fault("temperature", expected: "a number from 0") }
        return temperature
    }

    private static func isFinished(_ record: JSONRecord) throws(JSONRecord.Fault) -> Bool? {
        guard let reason = try record.optionalText("stop") else { return nil }
        if finished.contains(reason) { return true }
        if unfinished.contains(reason) { return false }
        throw record.fault("stop", expected: "'stop' or 'length'")
    }
}
