internal import Model

/// A solution that was sampled, as `sample` and a run's `samples/` write it. Only the problem and the text are required.
package struct SampleRecord: Sendable, Equatable {
    /// A number in our files; others may have names.
    package var problemID: String
    package var sampleIndex: Int?
    package var prompt: String?
    package var text: String
    package var tokens: [Int]?
    /// Nats.
    package var logProbability: Double?
    package var stop: String?
    package var answer: String?
    package var isCorrect: Bool?
    package var reward: Double?
    package var policyVersion: Int?
    /// Where its file has it, from 1.
    package var line: Int
}

/// Samples from JSON Lines.
package enum SampleFile {
    private static let kind = "samples"

    package static func read(_ path: String) throws(DataFileError) -> [SampleRecord] { try JSONLines.read(path, kind: kind, sample) }

    package static func parse(_ bytes: [UInt8], path: String) throws(DataFileError) -> [SampleRecord] {
        try JSONLines.parse(bytes, path: path, kind: kind, sample)
    }

    private static func sample(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> SampleRecord {
        SampleRecord(
            problemID: try record.text("problem_id"), sampleIndex: try record.optionalInteger("sample_index"),
            prompt: try record.optionalText("prompt"), text: try record.text("text"), tokens: try record.optionalIntegers("tokens"),
            logProbability: try record.optionalNumber("logprob"), stop: try record.optionalText("stop"),
            answer: try record.optionalText("answer"), isCorrect: try record.optionalBoolean("correct"),
            reward: try record.optionalNumber("reward"), policyVersion: try record.optionalInteger("policy_version"), line: line)
    }
}
