import Foundation
import Processes
import TestSupport
import Testing

/// The tests of the program as a whole: each starts it as a user would and reads what it leaves. One after the other,
/// since each has as many processes as there are ranks.
@Suite("The program", .serialized)
enum ProgramTests {}

/// How a run is spread over ranks.
enum Layout: Sendable, CustomTestStringConvertible {
    case mpirun(Int)
    case single(Int, threads: Int = 1)

    var testDescription: String {
        switch self {
        case .mpirun(let ranks): "mpirun -n \(ranks)"
        case .single(let ranks, let threads): "--single --ranks \(ranks) --threads \(threads)"
        }
    }

    fileprivate var launcher: [String] {
        if case .mpirun(let ranks) = self { ["mpirun", "-n", "\(ranks)"] } else { [] }
    }

    fileprivate var options: [String] {
        switch self {
        case .mpirun: ["--threads", "1"]
        case .single(let ranks, let threads): ["--single", "--ranks", "\(ranks)", "--threads", "\(threads)"]
        }
    }

    /// Ranks of one role, a quarter of them learners: what has most messages. Settings that come after it win.
    fileprivate var roles: [String] {
        let count = switch self { case .mpirun(let ranks), .single(let ranks, _): ranks }
        return count == 1 ? [] : ["--set", "ranks.learners=\(max(1, count / 4))"]
    }
}

/// A folder for one test, removed with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-program-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// Cases of a test that starts the program for each: all of them in release. A debug build, in which the program takes four times as
/// long, tries every `stride`-th: what it adds are assertions, and those do not ask for every layout of ranks.
func cases<Case>(_ all: [Case], inDebugEach stride: Int) -> [Case] {
    isOptimised ? all : Swift.stride(from: 0, to: all.count, by: stride).map { all[$0] }
}

/// Whether the tests are built in release, where what takes a minute is tried.
let isOptimised: Bool = {
    #if DEBUG
        false
    #else
        true
    #endif
}()

/// The program in a process of its own, alone or under mpirun. MPI is never started in the process of the tests.
final class Program {
    struct Outcome {
        let status: Int32
        let output, errors: String

        /// The lines that the program itself wrote to standard error; mpirun adds some of its own.
        var ownErrors: [String] { errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("gfn-dist: ") } }
    }

    private let process: ChildProcess
    private let folder: TemporaryFolder
    private let arguments: [String]
    var identifier: pid_t { process.identifier }
    var isRunning: Bool { process.isRunning }

    /// What it has said so far, while it runs.
    var errorsSoFar: String { FileManager.default.contents(atPath: "\(folder.path)/errors").map { String(decoding: $0, as: UTF8.self) } ?? "" }

    private static var folder: String { URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path }
    static var binary: String { "\(folder)/gfn-dist" }

    /// Starts `gfn-dist arguments`; the current folder is `directory`.
    convenience init(_ arguments: [String], under launcher: [String] = [], in directory: String? = nil) throws {
        try self.init(command: launcher + [Self.binary] + arguments, in: directory)
    }

    private init(command: [String], in directory: String? = nil) throws {
        arguments = command
        folder = try TemporaryFolder()
        // Files and not pipes: nothing needs to be read for the ranks to go on.
        process = try ChildProcess(
            ["/usr/bin/env"] + command, environment: mpiEnvironment, in: directory ?? folder.path, output: .file("\(folder.path)/output"),
            errors: .file("\(folder.path)/errors"))
    }

    /// A test that fails half-way leaves nothing running.
    deinit { _ = process.wait(seconds: 0) }

    /// One rank for each environment, all with these arguments, under one mpirun.
    convenience init(_ arguments: [String], each environments: [[String]]) throws {
        let ranks = environments.map { ["-n", "1", "env"] + $0 + [Self.binary] + arguments }
        try self.init(command: ["mpirun"] + ranks.joined(separator: [":"]))
    }

    /// One of the project's scripts, with this program and without building.
    convenience init(
        script name: String, _ arguments: [String], launch: String, environment: [String] = [], in directory: String
    ) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        try self.init(
            command: [
                "GFN_BINARY=\(Self.binary)", "GFN_FAULTS=\(Self.folder)/libFileFaults.so", "LAUNCH=\(launch)",
            ] + environment + ["bash", "\(root.path)/scripts/\(name)"] + arguments, in: directory)
    }

    convenience init(train arguments: [String], on layout: Layout) throws {
        try self.init(["train"] + layout.options + layout.roles + arguments, under: layout.launcher)
    }

    /// Waits for the end; a process that takes longer than `limit` is killed and is a failure.
    func outcome(limit: Duration = .seconds(120)) throws -> Outcome {
        let end = process.wait(seconds: limit / .seconds(1))
        if end == .overdue { Issue.record("\(arguments) took more than \(limit)") }
        return Outcome(
            status: end.code, output: try String(contentsOfFile: "\(folder.path)/output", encoding: .utf8),
            errors: try String(contentsOfFile: "\(folder.path)/errors", encoding: .utf8))
    }

    /// Waits for a state of files while the process runs; the process ending first, or `limit`, is a failure.
    func reaches(_ what: String, limit: Duration = .seconds(60), _ condition: () -> Bool) throws {
        _ = holds(within: limit) { condition() || !process.isRunning }
        guard condition() else {
            process.send(SIGTERM)
            throw Failure(text: "\(arguments) did not reach: \(what); it said: \(try outcome().errors)")
        }
    }

    func send(_ signal: Int32) { process.send(signal) }

    /// The processes of the ranks, by rank, when this process is mpirun.
    func rankProcesses(_ ranks: Int) throws -> [pid_t] {
        let children = try String(contentsOfFile: "/proc/\(identifier)/task/\(identifier)/children", encoding: .utf8)
            .split(separator: " ").compactMap { pid_t($0) }
        return try (0..<ranks).map { rank in
            let mine = children.first { child in
                let environment = FileManager.default.contents(atPath: "/proc/\(child)/environ") ?? Data()
                return environment.split(separator: 0).contains(Data("OMPI_COMM_WORLD_RANK=\(rank)".utf8))
            }
            guard let mine else { throw Failure(text: "mpirun has no process for rank \(rank)") }
            return mine
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let text: String
        var description: String { text }
    }
}

/// Whether a condition comes true in time; it is looked at every few milliseconds.
func holds(within limit: Duration, _ condition: () -> Bool) -> Bool {
    let start = ContinuousClock.now
    while !condition() {
        if ContinuousClock.now - start > limit { return false }
        usleep(3000)
    }
    return true
}

/// What `gfn-dist` leaves for one run, and does when it is called with these arguments.
func runProgram(_ arguments: [String], under launcher: [String] = [], in directory: String? = nil) throws -> Program.Outcome {
    try Program(arguments, under: launcher, in: directory).outcome()
}
