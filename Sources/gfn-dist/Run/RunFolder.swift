internal import Foundation
internal import Model

/// The folder of one run: its layout, and how it is chosen. Only rank 0 writes here.
struct RunFolder: Sendable {
    let path: String

    var adapter: String { path + "/adapter" }
    var model: String { path + "/model" }
    var checkpoints: String { path + "/checkpoints" }
    var settings: String { path + "/config.yaml" }
    var metrics: String { path + "/metrics.jsonl" }
    var memory: String { path + "/" + Self.memoryName }

    static let memoryName = "memory.json"

    /// Chooses and makes the folder of a new run. A folder that was named must not hold a run already; an unnamed one gets the next
    /// free name, which two runs that begin at once do not share.
    static func create(named output: String?, fallback: String) throws(RunError) -> RunFolder {
        if let output {
            try requireNoRun(in: output)
            try makeDirectory(output)
            return RunFolder(path: output)
        }
        try makeDirectory("runs")
        var (path, number) = ("runs/\(fallback)", 2)
        while mkdir(path, 0o777) != 0 {
            guard errno == EEXIST else {
                throw .inputOutput("the run folder \(path) could not be made (\(String(cString: strerror(errno))))")
            }
            path = "runs/\(fallback)-\(number)"
            number += 1
        }
        return RunFolder(path: path)
    }

    /// Fails when the folder holds a run.
    static func requireNoRun(in path: String) throws(RunError) {
        if FileManager.default.fileExists(atPath: path + "/config.yaml") {
            throw .configuration("--output \(path) holds a run already: continue it with --resume, or name another folder")
        }
    }

    private static func makeDirectory(_ path: String) throws(RunError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw .inputOutput("the folder \(path) could not be made (\(error.localizedDescription))")
        }
    }

    /// Finds the folder to resume: the named one, or the newest of the fallback's name.
    static func existing(named output: String?, fallback: String) throws -> RunFolder {
        let manager = FileManager.default
        if let output {
            guard manager.fileExists(atPath: output + "/config.yaml") else {
                throw RunError.missingInput("--resume: \(output) is not a run folder (there is no config.yaml in it)")
            }
            return RunFolder(path: output)
        }
        var newest: String?
        var number = 1
        while true {
            let path = number == 1 ? "runs/\(fallback)" : "runs/\(fallback)-\(number)"
            guard manager.fileExists(atPath: path) else { break }
            // One that ended before it was begun has no settings.
            if manager.fileExists(atPath: path + "/config.yaml") { newest = path }
            number += 1
        }
        guard let newest else {
            throw RunError.missingInput("--resume: there is no run folder runs/\(fallback); name one with --output")
        }
        return RunFolder(path: newest)
    }

    /// Writes down what the run does, and by which program.
    func write(_ configuration: RunConfiguration) throws {
        try write("# \(BuildVersion.text)\n" + configuration.layers.yaml(), to: "config.yaml")
    }

    /// Writes a whole file or nothing: beside, then renamed.
    func write(_ text: String, to name: String) throws {
        let target = path + "/" + name
        do {
            try FileManager.default.createDirectory(
                atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        } catch {
            throw RunError.inputOutput("\(target) could not be written (\(error.localizedDescription))")
        }
        try SideFile.write(Array(text.utf8), to: target)
    }
}

/// `metrics.jsonl`: a line per step, on disk when the step ends.
final class MetricsLog {
    private let path: String
    private let handle: FileHandle
    /// Of the steps before the first one, from an earlier part of the run.
    let kept: [String]

    /// Opens the log; a resumed run keeps the lines of the steps before `firstStep` and drops the rest, which it will write again.
    init(path: String, keepingStepsBefore firstStep: Int) throws {
        self.path = path
        do {
            let old = (FileManager.default.contents(atPath: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            kept = firstStep == 0 ? [] : old.split(separator: "\n").prefix { line in Self.step(of: line).map { $0 <= firstStep } ?? false }.map(String.init)
            try SideFile.write(Array(kept.map { $0 + "\n" }.joined().utf8), to: path)
            handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
        } catch let error as ModelFileError {
            throw error
        } catch {
            throw RunError.inputOutput("\(path) could not be opened for writing (\(error.localizedDescription))")
        }
    }

    /// The last step in the log at `path`; 0 when there is none.
    static func lastStep(in path: String) -> Int {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").compactMap { step(of: $0) }.max() ?? 0
    }

    private static func step(of line: Substring) -> Int? {
        guard let range = line.range(of: "\"step\":") else { return nil }
        return Int(line[range.upperBound...].prefix { $0.isNumber })
    }

    func write(_ line: JSONLine) throws {
        do { try handle.write(contentsOf: Data((line.text + "\n").utf8)) } catch {
            throw RunError.inputOutput("\(path) could not be written (\(error.localizedDescription))")
        }
    }
}
