import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("writes what scripts rely on")
    struct Files {
        /// A printed configuration without the origins beside the values.
        private func withoutOrigins(_ yaml: String) -> String {
            yaml.split(separator: "\n", omittingEmptySubsequences: false)
                .map { line in line.range(of: "   # ", options: .backwards).map { String(line[..<$0.lowerBound]) } ?? String(line) }
                .joined(separator: "\n")
        }

        @Test("what --dry-run prints is read back as the same configuration, and nothing is made")
        func dryRun() throws {
            let folder = try TemporaryFolder()
            let arguments = [
                "train", "--dry-run", "--model", #"a "quoted" #name\path: x"#, "--set", "data.train=pathsum", "--seed", "77",
                "--set", "train.learning_rate=3e-5", "--set", "lora.targets=q_proj, v_proj", "--set", "lag=2", "--objective", "tb",
            ]
            let printed = try runProgram(arguments, in: folder.path)
            #expect(printed.status == 0 && printed.errors.isEmpty, "\(printed.errors)")
            for line in ["seed: 77   # --seed", "lag: 2   # --set", "objective: tb   # --objective", "  learning_rate: 3e-5   # --set"] {
                #expect(printed.output.contains(line + "\n"), "\(line) is not in:\n\(printed.output)")
            }
            _ = try folder.write(printed.output, to: "printed.yaml")
            let again = try runProgram(["train", "--dry-run", "--config", "printed.yaml"], in: folder.path)
            #expect(again.status == 0, "\(again.errors)")
            #expect(withoutOrigins(again.output) == withoutOrigins(printed.output))
            #expect(again.output.contains("seed: 77   # printed.yaml:"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["printed.yaml"])
        }

        @Test("the command line outranks the file, and the file the embedded settings")
        func precedence() throws {
            let folder = try TemporaryFolder()
            _ = try folder.write("seed: 5\nlag: 3\ntrain:\n  steps: 11\n", to: "mine.yaml")
            let outcome = try runProgram(["train", "--dry-run", "--config", "mine.yaml", "--seed", "6"], in: folder.path)
            for line in ["seed: 6   # --seed", "lag: 3   # mine.yaml:2", "  steps: 11   # mine.yaml:4"] {
                #expect(outcome.output.contains(line + "\n"), "\(line) is not in:\n\(outcome.output)")
            }
            #expect(outcome.output.contains("  correct: 10   # embedded pathsum-subtb.yaml:"), "\(outcome.output)")
        }

        @Test("the config.yaml of a run makes the same run")
        func configuration() throws {
            let settings = Settings.standard.with(["seed": "2"])
            let reference = try Reference.run(settings)
            let written = try #require(reference.files.text("config.yaml"))
            let folder = try TemporaryFolder()
            let config = try folder.write(written, to: "copy.yaml")
            let printed = withoutOrigins(try runProgram(["train", "--dry-run", "--config", config]).output)
            #expect("# \(BuildVersion.text)\n" + printed == written)
            let outcome = try Program(train: ["--config", config, "--quiet", "--output", "\(folder.path)/run"], on: .single(1)).outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(RunFiles(path: "\(folder.path)/run").adapter == reference.adapter)
        }

        @Test("ages are counted in bins that double")
        func ages() {
            #expect(StepReport.histogram(ofAges: [0, 1, 1, 2, 3, 4, 7, 8]) == [1, 2, 2, 2, 1])
            #expect(StepReport.histogram(ofAges: []) == [0] && StepReport.histogram(ofAges: [1000]).count == 11)
        }

        @Test("metrics.jsonl has every key, and numbers that can be")
        func metrics() throws {
            let run = try Reference.run()
            let numbers = [
                "step", "policy_version", "loss", "reward_mean", "log_reward_mean", "accuracy", "distinct_correct", "unique_share",
                "log_z_mean", "residual_variance", "kl_to_reference", "entropy", "length_mean", "gradient_norm", "learning_rate",
                "age_max", "age_mean", "on_policy_share", "tempered_share", "replay_share", "replay_seeds",
                "logprob_difference_max", "tokens_sampled", "tokens_learned",
                "sync_raw_bytes", "sync_delta_bytes", "sync_compressed_bytes", "seconds_step", "seconds_sample", "seconds_score",
                "seconds_learn", "seconds_reduce", "seconds_sync",
            ]
            for line in try run.files.metrics() {
                for key in numbers { #expect(line[key] is Double, "\(key) of step \(line["step"] ?? "?")") }
                #expect((line["adapter_sha256"] as? String)?.wholeMatch(of: /[0-9a-f]{64}/) != nil)
                #expect(line["step"] as? Int == line["policy_version"] as? Int)
            }
            for share in ["accuracy", "unique_share"] { #expect(try run.files.numbers(share).allSatisfy { (0...1).contains($0) }) }
            #expect(try run.files.numbers("seconds_step").allSatisfy { $0 > 0 })
            #expect(try run.files.numbers("gradient_norm").allSatisfy { $0 > 0 })
            let rates = try run.files.numbers("learning_rate")
            #expect(rates[0] == 0 && rates[2] == rates.max(), "it rises from zero in two steps: \(rates)")
        }

        @Test("weights that are sent are fewer bytes than there are; those that are not sent are none")
        func sync() throws {
            let alone = try Reference.run()
            #expect(try alone.files.numbers("sync_raw_bytes").allSatisfy { $0 == 0 })
            let run = try train(.standard.with(["checkpoint.every": "none"]), on: .single(2))
            let (raw, compressed) = (try run.files.numbers("sync_raw_bytes"), try run.files.numbers("sync_compressed_bytes"))
            #expect(zip(raw, compressed).allSatisfy { $0 > $1 && $1 > 0 }, "\(raw) \(compressed)")
        }

        @Test("evaluation.json has every key, and is the last evaluation")
        func evaluation() throws {
            let run = try Reference.run()
            let last = try run.files.object("evaluation.json")
            #expect(last["dataset"] is String)
            #expect(last["problems"] as? Int == 4)
            #expect(last["samples_per_problem"] as? Int == 2)
            #expect(last["policy_version"] as? Int == Settings.steps)
            #expect(last["adapter_sha256"] as? String == run.digest)
            let temperatures = try #require(last["temperatures"] as? [String: [String: Any]])
            let one = try #require(temperatures["1.0"])
            for key in ["accuracy", "mean_length", "entropy_per_token"] {
                let value = try #require(one[key] as? Double, "\(key)")
                let interval = try #require(one["\(key)_interval"] as? [Double], "\(key)_interval")
                #expect(interval.count == 2 && interval[0] <= value && value <= interval[1], "\(key)")
            }
            let passAt = try #require(one["pass_at"] as? [String: Any])
            #expect(passAt["1"] as? Double == one["accuracy"] as? Double)
            #expect(passAt["2"] is Double)
            #expect((one["maj_at"] as? [String: Any])?["2"] is Double)
            for key in ["exact", "rouge_l_0.6", "rouge_l_0.7", "rouge_l_0.8"] {
                #expect((one["distinct_correct"] as? [String: Any])?[key] is Double, "distinct_correct.\(key)")
            }
            let exact = try #require(last["exact"] as? [String: Any])
            for key in ["total_variation", "kl_target_policy", "kl_policy_target", "log_z_gap", "correct_mass"] {
                #expect(exact[key] is Double, "exact.\(key)")
            }
            for share in ["total_variation", "correct_mass"] { #expect((0...1).contains(try #require(exact[share] as? Double))) }

            #expect(run.files.text("evaluation.json") == run.files.text("evaluation-8.json"))
            #expect(try run.files.object("evaluation-0.json")["policy_version"] as? Int == 0)
        }

        @Test("the adapter is a PEFT folder, and the last checkpoint holds the same one")
        func adapter() throws {
            let run = try Reference.run()
            let configuration = try run.files.object("adapter/adapter_config.json")
            #expect(configuration["peft_type"] as? String == "LORA")
            #expect(configuration["r"] as? Int == 16)
            #expect(configuration["lora_alpha"] as? Double == 32)
            #expect((configuration["target_modules"] as? [String])?.sorted() == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"])
            let newest = "checkpoints/\(try #require(run.files.latest))"
            #expect(FileManager.default.contents(atPath: "\(run.files.path)/\(newest)/adapter_model.safetensors") == run.adapter)
            for name in ["optimizer.safetensors", "replay", "state.json", "MANIFEST.json"] { #expect(run.files.exists("\(newest)/\(name)")) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(run.files.path)/checkpoints").sorted() == ["latest", "step-6", "step-8"])
        }

        @Test("standard output has results only, and --quiet keeps standard error empty")
        func output() throws {
            let folder = try TemporaryFolder()
            let arguments = Settings.standard.with(["train.steps": "2"]).arguments
            for quiet in [true, false] {
                let path = "\(folder.path)/\(quiet)"
                let outcome = try Program(train: arguments + (quiet ? ["--quiet"] : []) + ["--output", path], on: .mpirun(2)).outcome()
                #expect(outcome.status == 0)
                #expect(outcome.output.contains("run folder  \(path)\n"))
                #expect(!outcome.output.contains("step 1/2"))
                #expect(outcome.errors.isEmpty == quiet, "\(outcome.errors)")
                #expect(quiet || outcome.errors.contains("step 2/2"))
            }
        }
    }
}
