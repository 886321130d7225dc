import Foundation
import Learner
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("plan")
    struct PlanTests {
        private func plans(_ arguments: [String]) throws -> [[String: Any]] {
            let outcome = try runProgram(["plan", "--json", "--quiet"] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.output.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
        }

        @Test("what a layer adds is the difference of two depths; time that seems to shrink does not go below the deeper one's")
        func extrapolation() {
            let shallow = PlanMeasurement.Step(step: 1, sample: 0.5, score: 0.2, learn: 0.4)
            let deep = PlanMeasurement.Step(step: 3, sample: 1.5, score: 0.2, learn: 0.3)
            let whole = deep.extended(6.25, beyond: shallow)
            #expect(whole == PlanMeasurement.Step(step: 15.5, sample: 7.75, score: 0.2, learn: 0.3))
        }

        @Test("memory is what a run is refused by, the layout is that of a run, and times are there")
        func embedded() throws {
            let run = ["--set", "train.steps=40", "--ranks", "2", "--threads", "1"]
            let plan = try #require(try plans(run).first)
            func number(_ key: String) throws -> Double { try #require((plan[key] as? NSNumber)?.doubleValue, "\(key)") }
            #expect(try number("learners") == 2 && number("rollouts") == 2 && number("steps") == 40 && number("sync_weight_bytes") == 0)
            #expect(try number("seconds_step") > 0 && number("seconds_run") > 40 * 0.9 * number("seconds_step"))
            let refusal = try runProgram(
                ["train", "--set", "train.steps=40", "--set", "memory.limit=1MiB", "--threads", "1"], under: ["mpirun", "-n", "2"])
            let needed = try #require(refusal.errors.firstMatch(of: /need at least ([0-9]+) MiB/)?.1)
            #expect(try ByteSize(Int(number("memory_least_bytes"))).description == "\(needed) MiB")
            #expect(try number("memory_node_bytes") >= number("memory_least_bytes"))
        }

        @Test("several layouts are tried, the fastest that fits first, and none that does not fit is chosen")
        func choice() throws {
            let plans = try plans(["--cores", "2", "--set", "train.steps=10"])
            #expect(plans.count == 2 && Set(plans.compactMap { $0["ranks_per_node"] as? Int }) == [1, 2])
            let seconds = plans.compactMap { ($0["seconds_step"] as? NSNumber)?.doubleValue }
            #expect(seconds == seconds.sorted())
            let tight = try runProgram(["plan", "--quiet", "--memory", "1MiB", "--ranks", "1"])
            #expect(tight.status == 78 && tight.output.contains("TOO MUCH") && tight.errors.contains("no layout that was tried fits 1 MiB a node"))
        }

        @Test("--sbatch writes a script that a shell reads, and settings that a run takes")
        func batch() throws {
            let folder = try TemporaryFolder()
            let outcome = try runProgram(
                [
                    "plan", "--nodes", "2", "--ranks", "2", "--cores", "4", "--set", "train.steps=40", "--sbatch", "run.sbatch",
                    "--output", "runs/it's",
                ], in: folder.path)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let script = try String(contentsOfFile: "\(folder.path)/run.sbatch", encoding: .utf8)
            for line in ["#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=2", "#SBATCH --cpus-per-task=2", "run='runs/it'\\''s'"] {
                #expect(script.contains(line + "\n"), "\(script)")
            }
            let check = try CapturedCommand(["bash", "-n", "\(folder.path)/run.sbatch"], seconds: 20)
            #expect(check.end == .exited(0), "\(check.errors)")
            let settings = try runProgram(["train", "--dry-run", "--config", "run.sbatch.yaml"], in: folder.path)
            #expect(settings.status == 0 && settings.output.contains("steps: 40"), "\(settings.output)\(settings.errors)")
        }

        @Test("what cannot be is an error of usage", arguments: [
            (["--nodes", "0"], "--nodes is 0"), (["--memory", "much"], "--memory is 'much', expected a size such as 256GiB"),
            (["--speed", "0"], "--speed is 0.0"), (["--length", "1"], "--length is 1"),
        ])
        func usage(arguments: [String], words: String) throws {
            let outcome = try runProgram(["plan"] + arguments)
            #expect(outcome.status == 64 && outcome.errors.contains(words), "\(outcome.errors)")
        }
    }
}
