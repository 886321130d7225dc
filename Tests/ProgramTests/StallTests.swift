@testable import Collective
import Foundation
import Testing

extension ProgramTests {
    @Suite("a rank that stalls ends the job, and every log says which")
    struct StallTests {
        private static let settings = Settings.standard.with([
            "train.steps": "4", "checkpoint.every": "2", "evaluate.problems": "2", "watchdog.seconds": "3", "ranks.learners": "1",
        ])

        // All phases: scripts/check-stalls.sh.
        @Test("stopped in a phase", arguments: [("score", 2, 2), ("save", 2, 0)])
        func stopped(phase: String, step: Int, rank: Int) throws {
            let folder = try TemporaryFolder()
            let environments = (0..<3).map { $0 == rank ? ["GFN_STALL=\(phase):\(step)"] : [] }
            let call = ["train", "--quiet", "--output", "\(folder.path)/run", "--threads", "1"] + Self.settings.arguments
            let outcome = try Program(call, each: environments).outcome(limit: .seconds(60))
            #expect(outcome.status == 71)
            let role = rank == 0 ? "learner" : "rollout"
            let place = "rank \(rank) on \(DatagramSocket.hostName)"
            // The first 3 s of silence were noticed within another one.
            let verdict = try Regex(
                "gfn-dist: \(place) \\(\(role), phase \(phase) of step \(step)\\) has stalled: nothing was heard of it for [34] s; ")
            for other in 0..<3 where other != rank {
                let said = outcome.ownErrors.filter { $0.contains("; rank \(other) on ") }
                #expect(said.count == 1 && said[0].contains(verdict) && said[0].contains("waits in "), "\(outcome.errors)")
            }
        }

        @Test("a rank that gets a fifth of its time is no stalled one")
        func slow() throws {
            let folder = try TemporaryFolder()
            let call = ["--quiet", "--output", "\(folder.path)/run"] + Self.settings.arguments
            let program = try Program(train: call, on: .mpirun(3))
            try program.reaches("its ranks") { (try? program.rankProcesses(3)) != nil }
            let rank = try program.rankProcesses(3)[2]
            _ = holds(within: .seconds(120)) {
                kill(rank, SIGSTOP)
                usleep(80_000)
                kill(rank, SIGCONT)
                usleep(20_000)
                return !program.isRunning
            }
            let outcome = try program.outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }
}
