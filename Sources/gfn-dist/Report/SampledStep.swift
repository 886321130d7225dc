internal import Foundation

/// `samples/step-<n>.jsonl` read back: what was sampled for a step.
struct SampledStep: Sendable {
    struct Sample: Sendable {
        let problem: String
        let prompt: String
        let text: String
        let isCorrect: Bool
        /// Why, in a word of the program's.
        let verdict: String
        let answer: String?
        /// log R.
        let reward: Double?
        let stepRewards: [Double]

        /// Nil where the text is no sample, as a torn line is.
        init?(_ line: Substring) {
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let problem = object["problem_id"], let text = object["text"] as? String
            else { return nil }
            self.problem = "\(problem)"
            self.text = text
            prompt = object["prompt"] as? String ?? ""
            isCorrect = (object["correct"] as? NSNumber)?.boolValue ?? false
            verdict = object["verdict"] as? String ?? (isCorrect ? "correct" : "wrong")
            answer = object["answer"].map { "\($0)" }
            reward = (object["reward"] as? NSNumber)?.doubleValue
            stepRewards = (object["step_rewards"] as? [NSNumber])?.map(\.doubleValue) ?? []
        }
    }

    let step: Int
    /// By problem, in the order of the file.
    let problems: [[Sample]]

    /// The files of the first and the last step below `folder`; one or none where there are no more.
    static func firstAndLast(in folder: String, _ remarks: inout [String]) throws(RunError) -> [SampledStep] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw .inputOutput("\(folder) cannot be read (\(error.localizedDescription))")
        }
        let steps = names.compactMap { name in
            name.hasPrefix("step-") && name.hasSuffix(".jsonl") ? Int(name.dropFirst(5).dropLast(6)) : nil
        }.sorted()
        guard let first = steps.first, let last = steps.last else { return [] }
        var files: [SampledStep] = []
        for step in first == last ? [first] : [first, last] {
            guard let text = try RunRecord.text(of: "\(folder)/step-\(step).jsonl") else { continue }
            let file = SampledStep(step: step, text: text)
            if file.torn > 0 {
                remarks.append("samples/step-\(step).jsonl has \(file.torn) \(file.torn == 1 ? "line that is" : "lines that are") torn")
            }
            if !file.problems.isEmpty { files.append(file) }
        }
        return files
    }

    private let torn: Int

    private init(step: Int, text: String) {
        var (problems, places, torn): ([[Sample]], [String: Int], Int) = ([], [:], 0)
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let sample = Sample(Substring(line)) else {
                torn += 1
                continue
            }
            if let place = places[sample.problem] {
                problems[place].append(sample)
            } else {
                places[sample.problem] = problems.count
                problems.append([sample])
            }
        }
        (self.step, self.problems, self.torn) = (step, problems, torn)
    }
}
