import Foundation
import Processes
import TestSupport
import Testing

/// Runs `gfn-mpi-check`: MPI is never started in the process of the tests, whose environment it would change.
@Suite("Ranks under mpirun", .serialized)
struct MPICommunicatorTests {
    struct Outcome {
        let status: Int32
        let output, errors: String
        let duration: Duration
    }

    /// - Parameter ranks: nil runs the program alone, without mpirun.
    static func run(ranks: Int?, _ arguments: [String], limit: Duration = .seconds(90)) throws -> Outcome {
        let helper = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("gfn-mpi-check")
        // Files and not pipes: nothing needs to be read for the ranks to go on.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-mpi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (output, errors) = (folder.appendingPathComponent("output"), folder.appendingPathComponent("errors"))
        let start = ContinuousClock.now
        let end = try ChildProcess(
            (ranks.map { ["mpirun", "-n", "\($0)"] } ?? []) + [helper.path] + arguments, environment: mpiEnvironment,
            output: .file(output.path), errors: .file(errors.path)
        ).wait(seconds: limit / .seconds(1))
        if end == .overdue { Issue.record("\(arguments) on \(ranks ?? 1) ranks took more than \(limit)") }
        return Outcome(
            status: end.code, output: try String(contentsOf: output, encoding: .utf8), errors: try String(contentsOf: errors, encoding: .utf8),
            duration: ContinuousClock.now - start)
    }

    @Test("keep every promise of a communicator", arguments: [1, 2, 4, 8])
    func contract(ranks: Int) throws {
        let outcome = try Self.run(ranks: ranks, ["contract"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("promises among \(ranks) ranks, \(ranks) on this node"))
    }

    @Test("keep every promise when transfers are cut into pieces and little may be in flight", arguments: [2, 4])
    func pieces(ranks: Int) throws {
        // 1000 divides some of the lengths in the contract and not others.
        let outcome = try Self.run(ranks: ranks, ["contract", "1000"])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("a rank that throws ends all within seconds, with its code, and says why once", arguments: [
        ("allReduce", 0, 72), ("receive", 3, 65), ("broadcast", 2, 70),
    ])
    func throwing(wait: String, failing: Int, code: Int) throws {
        let outcome = try Self.run(ranks: 4, ["fail", "throw", "\(failing)", wait, "\(code)"], limit: .seconds(30))
        #expect(outcome.status == Int32(code))
        #expect(outcome.duration < .seconds(10))
        let reason = "rank \(failing): the sky fell on rank \(failing)"
        #expect(outcome.errors.components(separatedBy: reason).count == 2, "\(outcome.errors)")
        #expect(!outcome.errors.contains("peer is lost"))
    }

    @Test("a rank that exits or is killed ends all within seconds", arguments: [("exit", 7, 7), ("kill", 0, 128 + 9)])
    func dying(how: String, code: Int, status: Int) throws {
        for wait in ["allReduce", "receive"] {
            let outcome = try Self.run(ranks: 4, ["fail", how, "1", wait, "\(code)"], limit: .seconds(30))
            #expect(outcome.status == Int32(status), "\(outcome.errors)")
            #expect(outcome.duration < .seconds(10))
        }
    }

    @Test("signals become requests that are taken once")
    func signals() throws {
        let outcome = try Self.run(ranks: nil, ["signals"], limit: .seconds(30))
        #expect(outcome.status == 0 && outcome.output == "signals are kept and taken once\n", "\(outcome.errors)")
    }
}
