import Collective
import Foundation
import Model
import Problems
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("a disk that fails, and kills")
    struct FaultTests {
        // Every call that changes a file, with every kind of fault: scripts/check-faults.sh.
        @Test(
            "a save that fails leaves the checkpoint before it, names the file, and the run goes on to the same bytes",
            .enabled(if: isOptimised, "in release: it is scripts and files that are tried"))
        func faults() throws {
            let folder = try TemporaryFolder()
            let outcome = try Program(script: "check-faults.sh", ["13"], launch: "", in: folder.path).outcome(limit: .seconds(300))
            #expect(outcome.status == 0 && outcome.output.hasSuffix("14 cases, 0 failures\n"), "\(outcome.output)\(outcome.errors)")
        }

        /// A run on two ranks, of which the second, a rollout or both, has another base than the first: what it fails with, and its log.
        private func run(check: String, learners: String) throws -> (failure: (any Error)?, log: String) {
            let temporary = try TemporaryFolder()
            let folder = RunFolder(path: temporary.path)
            var layers = ConfigurationLayers()
            let settings = [
                "threads": "1", "train.steps": "2", "train.warmup_steps": "1", "train.prompts_per_step": "2",
                "rollout.samples_per_prompt": "2", "evaluate.problems": "1", "evaluate.samples_per_problem": "1",
                "check.log_probabilities": check, "ranks.learners": learners,
            ]
            for (name, value) in settings { layers.set(name, to: value, from: Origin(description: "test")) }
            let own = try Workspace(try RunConfiguration(layers), ranksOnNode: 2, needsGradients: true)
            var other = own
            other.base = try BaseModel(
                randomly: PathSum.modelConfiguration, seed: 2, precision: .bf16, gradients: true, parallel: .serial)
            let workspaces = [own, other]
            var failure: (any Error)?
            do {
                try runInProcess(ranks: 2) { communicator in
                    let context = try RunContext(
                        workspace: workspaces[communicator.rank], communicator: communicator, folder: folder, checkpoint: nil, quiet: true)
                    context.saysResult = false
                    _ = try TrainingRun(context).run()
                }
            } catch { failure = error }
            return (failure, try String(contentsOfFile: folder.metrics, encoding: .utf8))
        }

        @Test("log-probabilities that differ between sampler and learner end the run, or are reported where that is asked for",
            arguments: ["1", "all"])
        func differences(learners: String) throws {
            let stopped = try run(check: "stop", learners: learners)
            let failure = try #require(stopped.failure)
            #expect(ExitCode.of(failure) == 70 && "\(failure)".contains("step 1: log-probabilities of slot 0 differ by up to "), "\(failure)")
            #expect(stopped.log.isEmpty)
            let reported = try run(check: "report", learners: learners)
            #expect(reported.failure == nil && reported.log.matches(of: /"logprob_difference_max":(?!0.0,)/).count == 2, "\(reported)")
        }

        // 200 of them: scripts/check-kills.sh.
        @Test(
            "kills at random moments, of five methods and a quantised base, end with the bytes of runs that were left alone",
            .enabled(if: isOptimised, "in release: it is scripts and files that are tried"))
        func kills() throws {
            let folder = try TemporaryFolder()
            let seed = "\(Int.random(in: 1..<30000))"
            let outcome = try Program(script: "check-kills.sh", ["7", seed], launch: "", in: folder.path).outcome(limit: .seconds(600))
            #expect(outcome.status == 0, "seed \(seed): \(outcome.output)\(outcome.errors)")
            #expect(outcome.output.contains(/\n[0-9]+ kills, [0-9]+ runs, 0 failures\n$/), "\(outcome.output)")
        }
    }
}
