import Foundation
import Testing

@testable import gfn_dist

/// The settings of a small run of the embedded task, a second or two long.
struct Settings: Hashable, Sendable {
    static let steps = 8

    private var values: [String: String] = [
        "train.steps": "\(steps)", "train.warmup_steps": "2", "train.prompts_per_step": "4", "rollout.samples_per_prompt": "4",
        "evaluate.problems": "4", "evaluate.samples_per_problem": "2", "checkpoint.every": "2",
    ]

    static let standard = Settings()

    func with(_ changes: [String: String]) -> Settings {
        var copy = self
        copy.values.merge(changes) { $1 }
        return copy
    }

    var arguments: [String] { values.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] } }
}

extension NodeShare {
    /// Of a rank that has a node to itself, whose memory nobody counts.
    static let ofOneRank = NodeShare(ranks: 1, processes: 1, availableMemory: nil)
}

/// The folder of one run, as others read it.
struct RunFiles {
    let path: String

    var adapter: Data? { FileManager.default.contents(atPath: "\(path)/adapter/adapter_model.safetensors") }
    var latest: String? { text("checkpoints/latest")?.trimmingCharacters(in: .whitespacesAndNewlines) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    func object(_ name: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data((text(name) ?? "").utf8)) as? [String: Any])
    }

    /// The whole lines of metrics.jsonl.
    var metricLines: [String] {
        (text("metrics.jsonl") ?? "").split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    func metrics() throws -> [[String: Any]] {
        try metricLines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
    }

    func numbers(_ key: String) throws -> [Double] {
        try metrics().map { try #require($0[key] as? Double, "metrics.jsonl has no number \(key)") }
    }

    /// The lines of metrics.jsonl without what depends on time and place.
    func comparableMetrics() throws -> [String] {
        try metrics().map { line in
            let kept = line.filter { !$0.key.hasPrefix("seconds_") && !$0.key.hasPrefix("sync_") }
            return String(decoding: try JSONSerialization.data(withJSONObject: kept, options: .sortedKeys), as: UTF8.self)
        }
    }

    /// The fact that an unbroken log has: each step once, in order.
    func expectEveryStepOnce(_ steps: Int = Settings.steps, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try numbers("step").map { Int($0) } == Array(1...steps), sourceLocation: sourceLocation)
    }
}

/// A run that ended well, and the folder that it lives in.
struct FinishedRun {
    let files: RunFiles
    let folder: TemporaryFolder
    let adapter: Data
    /// SHA-256 of the bf16 weights, from the last line of metrics.jsonl.
    let digest: String
}

/// Runs `train` to its end and reads the result; anything but exit code 0 is an error.
func train(
    _ settings: Settings = .standard, _ arguments: [String] = [], on layout: Layout, in folder: TemporaryFolder? = nil,
    resuming: Bool = false
) throws -> FinishedRun {
    let folder = try folder ?? TemporaryFolder()
    let run = "\(folder.path)/run"
    let outcome = try Program(
        train: (resuming ? ["--resume"] : settings.arguments) + arguments + ["--quiet", "--output", run], on: layout).outcome()
    guard outcome.status == 0 else {
        throw Program.Failure(text: "\(layout.testDescription) ended with \(outcome.status): \(outcome.errors)")
    }
    let files = RunFiles(path: run)
    let last = try #require(try files.metrics().last)
    return FinishedRun(
        files: files, folder: folder, adapter: try #require(files.adapter), digest: try #require(last["adapter_sha256"] as? String))
}

/// Runs on one rank that others are compared with; each is made once.
enum Reference {
    private final class Store: @unchecked Sendable {
        let lock = NSLock()
        var runs: [Settings: FinishedRun] = [:]
    }
    private static let store = Store()

    static func run(_ settings: Settings = .standard) throws -> FinishedRun {
        try store.lock.withLock {
            if let run = store.runs[settings] { return run }
            let run = try train(settings, on: .single(1))
            store.runs[settings] = run
            return run
        }
    }
}
