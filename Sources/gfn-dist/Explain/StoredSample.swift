internal import Foundation
internal import Rollout

/// A response as its step wrote it down, held against the same one made again.
struct StoredSample {
    /// Below the run's folder.
    let file: String
    /// As "reward: 1.5 was recorded, now 2"; empty where the line is the same, bit for bit.
    private let differences: [String]

    /// Nil where the step's samples were not written.
    init?(folder: RunFolder, step: Int, group: TrajectoryGroup, sample: Int, log: SampleLog) throws(RunError) {
        file = "samples/step-\(step).jsonl"
        let path = "\(folder.path)/\(file)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else { throw .inputOutput("\(path) cannot be read") }
        let stored = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        let made = log.text(of: [group], step: step).split(separator: "\n").map(String.init)[sample]
        guard !stored.contains(made) else {
            differences = []
            return
        }
        let now = Self.object(made)
        let twin = stored.map(Self.object).first { line in
            ["problem_id", "sample_index"].allSatisfy { line[$0] as? NSObject == now[$0] as? NSObject }
        }
        guard let twin else {
            differences = ["it has no line of this problem and sample"]
            return
        }
        let found = RecordComparison(twin, now).differences
        differences = found.isEmpty ? ["its figures are the same, but not its text"] : found
    }

    func requireEqual(_ place: Explanation.Place) throws(RunError) {
        guard !differences.isEmpty else { return }
        throw .notEqual(
            "problem \(place.problem), sample \(place.sample) of step \(place.step) of \(place.run), made again from \(place.start), "
                + "is not as it was stored in \(file): " + differences.prefix(5).joined(separator: "; "))
    }

    private static func object(_ line: String) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]) ?? [:]
    }
}
