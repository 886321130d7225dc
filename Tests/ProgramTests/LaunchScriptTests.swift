import Foundation
import Testing

extension ProgramTests {
    @Suite("a run that is kept going (scripts/launch.sh)")
    struct LaunchScriptTests {
        private func launch(_ arguments: [String], _ launcher: String, in folder: TemporaryFolder) throws -> Program {
            try Program(script: "launch.sh", arguments, launch: launcher, in: folder.path)
        }

        private static func logs(_ folder: TemporaryFolder) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/run-attempts").count
        }

        // MARK: Codes, with a launcher that only ends

        /// Ends with `code`, with what a run leaves in its folder: attempt n has the checkpoint `step-min(n, checkpoints)`, if there are any.
        /// From attempt `success` on, it ends well.
        private static func ends(_ code: Int, checkpoints: Int = 0, success: Int = 1000, began: Bool = true) -> String {
            """
            n=$(ls run-attempts | wc -l)
            \(began ? "mkdir -p run/checkpoints && touch run/config.yaml" : ":")
            [ \(checkpoints) -eq 0 ] || mkdir -p run/checkpoints/step-$((n < \(checkpoints) ? n : \(checkpoints)))
            [ $n -lt \(success) ] || exit 0
            exit \(code)
            """
        }

        private func attempts(_ script: String, restarts: Int = 2) throws -> (outcome: Program.Outcome, attempts: Int, folder: TemporaryFolder) {
            let folder = try TemporaryFolder()
            let fake = try folder.write(script, to: "fake.sh")
            let outcome = try launch(
                ["--restarts", "\(restarts)", "--pause", "0", "train", "--output", "run"], "bash \(fake)", in: folder
            ).outcome(limit: .seconds(20))
            return (outcome, try Self.logs(folder), folder)
        }

        @Test("what another start cannot mend ends it, with its code", arguments: [64, 65, 66, 70, 72, 78, 126, 127])
        func final(code: Int) throws {
            let (outcome, attempts, _) = try attempts(Self.ends(code))
            #expect(outcome.status == code && attempts == 1)
            #expect(outcome.errors == "launch.sh: exit code \(code), which another start does not mend (run-attempts/1.log)\n")
        }

        @Test("a lost, stalled or killed rank and the like: a bounded number of restarts in a row", arguments: [69, 71, 74, 137, 139, 1])
        func bounded(code: Int) throws {
            let (outcome, attempts, folder) = try attempts(Self.ends(code))
            #expect(outcome.status == code && attempts == 3)
            #expect(outcome.errors.hasSuffix("exit code \(code) after 2 restarts without a new checkpoint (run-attempts/3.log)\n"))
            let log = try String(contentsOfFile: "\(folder.path)/run-attempts/2.log", encoding: .utf8)
            #expect(log.contains(" train --output run --resume\n") && log.hasSuffix("# exit code \(code)\n"), "\(log)")
        }

        @Test("a run that comes further may fail as often as it does")
        func progress() throws {
            let (outcome, attempts, _) = try attempts(Self.ends(69, checkpoints: 12, success: 10), restarts: 1)
            #expect(outcome.status == 0 && attempts == 10, "\(outcome.errors)")
            // Two come further; then one more, which was allowed.
            let stuck = try self.attempts(Self.ends(69, checkpoints: 2), restarts: 1)
            #expect(stuck.outcome.status == 69 && stuck.attempts == 3, "\(stuck.outcome.errors)")
        }

        @Test("what fails before it began is not tried again; 75 and 0 are passed on")
        func others() throws {
            let unborn = try attempts(Self.ends(1, began: false))
            #expect(unborn.outcome.status == 1 && unborn.attempts == 1)
            #expect(unborn.outcome.errors == "launch.sh: exit code 1 before the run began (run-attempts/1.log)\n")
            for code in [75, 0] {
                let passed = try attempts(Self.ends(code))
                #expect(passed.outcome.status == code && passed.attempts == 1 && passed.outcome.errors.isEmpty)
            }
        }

        @Test("a launcher that hangs after a rank has stalled is ended, and the run started again")
        func hanging() throws {
            let folder = try TemporaryFolder()
            let fake = try folder.write(
                """
                mkdir -p run && touch run/config.yaml
                [ $(ls run-attempts | wc -l) -lt 2 ] || exit 0
                echo 'gfn-dist: rank 1 on n2 (rollout, phase sample of step 3) has stalled: nothing was heard of it for 5 s; rank 0 on n1 was: …' >&2
                trap '' TERM
                while true; do sleep 1; done
                """, to: "fake.sh")
            let program = try launch(["--pause", "0", "--grace", "1", "train", "--output", "run"], "bash \(fake)", in: folder)
            let outcome = try program.outcome(limit: .seconds(30))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("launch.sh: the launcher has not ended 1 s after a rank stalled: it is ended\n"))
            #expect(outcome.errors.contains("launch.sh: exit code 137 (run-attempts/1.log); restart in 0 s from the beginning"), "\(outcome.errors)")
            #expect(try Self.logs(folder) == 2)
        }

        @Test("a signal while it waits ends it with 75, without another start")
        func waiting() throws {
            let folder = try TemporaryFolder()
            let fake = try folder.write(Self.ends(69), to: "fake.sh")
            let program = try launch(["--pause", "600", "train", "--output=run"], "bash \(fake)", in: folder)
            try program.reaches("its first restart") { (try? Self.logs(folder)) == 1 && folder.holds("run-attempts/1.log", "exit code 69") }
            usleep(200_000)
            program.send(SIGTERM)
            #expect(try program.outcome(limit: .seconds(10)).status == 75)
            #expect(try Self.logs(folder) == 1)
        }

        @Test("mistakes are said in a sentence", arguments: [
            (["train"], "train needs --output DIR: a run that may be restarted has a folder of its own"),
            ([], "name what to run: train --output DIR …"), (["--restarts", "x", "train"], "--restarts needs a whole number, found 'x'"),
            (["sample", "pathsum"], "expected train or reward with its options, or --restarts, --pause or --grace with a number before it; found 'sample'"),
        ])
        func mistakes(arguments: [String], sentence: String) throws {
            let folder = try TemporaryFolder()
            let outcome = try launch(arguments, "env", in: folder).outcome()
            #expect(outcome.status == 64 && outcome.errors == "launch.sh: \(sentence)\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }

        // MARK: Real runs

        private static let settings = Settings.standard.with(["train.steps": "40", "checkpoint.every": "2", "evaluate.problems": "1"])

        /// The processes of the ranks: whose name is the program's, below this one.
        private static func ranks(below process: pid_t) -> [pid_t] {
            let children = (try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)) ?? ""
            return children.split(separator: " ").compactMap { pid_t($0) }.flatMap { child in
                let name = (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)) ?? ""
                return (name == "gfn-dist\n" ? [child] : []) + ranks(below: child)
            }
        }

        @Test(
            "killed twice and stopped by a signal once, it ends with the bytes of a run that was left alone",
            .enabled(if: isOptimised, "in release: it is a script that is tried"))
        func sameBytes() throws {
            let alone = try TemporaryFolder()
            let whole = try runProgram(["train", "--quiet", "--output", "run"] + Self.settings.arguments, in: alone.path)
            #expect(whole.status == 0, "\(whole.errors)")

            let folder = try TemporaryFolder()
            let call = ["--pause", "0", "train", "--quiet", "--output", "run"] + Self.settings.arguments
            let program = try launch(call, "mpirun -n 2", in: folder)
            // However fast it is: each start is let come to a checkpoint of its own, and has most of the steps left then.
            var newest = 0
            for attempt in 1...3 {
                var ranks: [pid_t] = []
                try program.reaches("a checkpoint after \(newest) on two ranks") {
                    ranks = Self.ranks(below: program.identifier)
                    return ranks.count == 2 && folder.newestCheckpoint > newest
                }
                newest = folder.newestCheckpoint
                guard attempt < 3 else { break }
                kill(ranks[1], SIGKILL)
                try program.reaches("another start") { folder.holds("run-attempts/\(attempt).log", "# exit code 137") }
                newest = folder.newestCheckpoint
            }
            program.send(SIGINT)
            let stopped = try program.outcome(limit: .seconds(60))
            #expect(stopped.status == 75 && stopped.errors.contains("launch.sh: SIGINT: a checkpoint is saved"), "\(stopped.errors)")
            #expect(stopped.errors.components(separatedBy: "launch.sh: exit code 137 ").count == 3, "\(stopped.errors)")

            let rest = try launch(call, "env", in: folder).outcome()
            #expect(rest.status == 0, "\(rest.errors)")
            #expect(try Self.logs(folder) == 4)
            for file in ["adapter/adapter_model.safetensors", "evaluation.json"] {
                #expect(folder.bytes("run/\(file)") == alone.bytes("run/\(file)") && folder.exists("run/\(file)"), "\(file)")
            }
        }
    }
}

extension TemporaryFolder {
    fileprivate func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(file)") }
    fileprivate func bytes(_ file: String) -> Data? { FileManager.default.contents(atPath: "\(path)/\(file)") }
    /// The step of the newest checkpoint of `run`; 0 if there is none.
    fileprivate var newestCheckpoint: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/run/checkpoints")) ?? []
        return names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.max() ?? 0
    }
    fileprivate func holds(_ file: String, _ text: String) -> Bool {
        bytes(file).map { String(decoding: $0, as: UTF8.self).contains(text) } ?? false
    }
}
