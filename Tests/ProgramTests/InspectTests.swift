import Foundation
import Learner
import Model
import Problems
import Testing

@testable import gfn_dist

@Suite("What inspect says")
struct FactTests {
    @Test("is one tree in two forms: names, digits in threes, lists in a line or in several, nothing of what is empty")
    func forms() {
        var (facts, inner) = (Facts(), Facts())
        inner.add("Q4_1", 1_234_567)
        inner.add("pass_at", 0.25)
        facts.add("kind", "a\u{1B}[1m\nb")
        facts.add("key_value_heads", 1234)
        facts.add("parameters", 134_515_008)
        facts.add("below", -98765)
        facts.add("missing", nil as Int?)
        facts.add("tied", true)
        facts.add("stored", inner)
        facts.add("none", [] as [String])
        facts.add("short", ["a", "b"])
        facts.add("rows", [inner, inner])
        facts.add("rate", .list([.number(.nan), .number(1e-5)]))
        #expect(facts.lines == [
            "kind                a\\u{1b}[1m\\u{a}b", "key value heads     1234", "parameters          134,515,008",
            "below               -98,765", "tied                yes", "stored              Q4_1 1,234,567, pass at 0.25",
            "short               a, b", "rows                Q4_1 1,234,567, pass at 0.25",
            "                    Q4_1 1,234,567, pass at 0.25", "rate                nan, 1e-05",
        ])
        #expect(facts.json == #"{"kind":"a\u001b[1m\nb","key_value_heads":1234,"parameters":134515008,"below":-98765,"tied":true,"#
            + #""stored":{"Q4_1":1234567,"pass_at":0.25},"none":[],"short":["a","b"],"#
            + #""rows":[{"Q4_1":1234567,"pass_at":0.25},{"Q4_1":1234567,"pass_at":0.25}],"rate":[null,1e-05]}"#)
    }
}

extension ProgramTests {
    @Suite("inspect")
    struct InspectTests {
        private func facts(_ path: String, status: Int32 = 0) throws -> [String: Any] {
            let outcome = try runProgram(["inspect", path, "--json"])
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == (status == 0 ? 0 : 1))
            return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        }

        private static let base = EmbeddedResources.baseModelPath
        private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("ModelTests/Fixtures").path

        @Test("knows models in folders and in GGUF files")
        func models() throws {
            let folder = try facts(Self.base)
            #expect(folder["kind"] as? String == "model" && folder["format"] as? String == "Hugging Face folder")
            #expect(folder["layers"] as? Int == PathSum.modelConfiguration.layerCount && folder["parameters"] as? Int == 822_144)
            #expect((folder["stored"] as? [String: Int]) == ["BF16": 822_144])
            #expect(folder["end_tokens"] as? [String] == ["2 \"</s>\""] && folder["chat_template"] as? String == "none")
            let file = try facts("\(Self.fixtures)/gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf")
            #expect(file["format"] as? String == "GGUF file" && file["tied_embeddings"] as? Bool == true)
            let stored = try #require(file["stored"] as? [String: Int])
            #expect(Set(stored.keys) == ["Q4_1", "Q8_0", "F32"] && stored.values.reduce(0, +) == file["parameters"] as? Int)
            let tensors = try facts("\(Self.base)/model.safetensors")
            #expect(tensors["kind"] as? String == "tensors" && tensors["parameters"] as? Int == 822_144)
        }

        @Test("knows a run, its checkpoints and its adapter")
        func run() throws {
            let reference = try Reference.run()
            let run = try facts(reference.files.path)
            #expect(run["kind"] as? String == "run" && run["condition"] as? String == "finished" && run["objective"] as? String == "subtb")
            #expect(run["step"] as? Int == Settings.steps && run["steps"] as? Int == Settings.steps && run["ranks"] as? Int == 1)
            #expect(run["adapter_sha256"] as? String == reference.digest && run["result"] as? String == "\(reference.files.path)/adapter")
            #expect((run["program"] as? String)?.hasPrefix("gfn-dist ") == true)
            let checkpoints = try #require(run["checkpoints"] as? [[String: Any]])
            #expect(checkpoints.last?["step"] as? Int == Settings.steps && checkpoints.allSatisfy { $0["whole"] as? Bool == true })
            #expect((run["evaluations"] as? [[String: Any]])?.first?["accuracy"] is Double)

            let checkpoint = try facts("\(reference.files.path)/checkpoints/step-\(Settings.steps)")
            #expect(checkpoint["whole"] as? Bool == true && checkpoint["policy_version"] as? Int == Settings.steps)
            #expect(checkpoint["parameters"] as? Int == 156_160 && checkpoint["seed"] as? Int == 1)
            let adapter = try facts("\(reference.files.path)/adapter")
            #expect(adapter["kind"] as? String == "adapter" && adapter["parameters"] as? Int == 156_160 && adapter["ranks"] as? [Int] == [16])
            #expect(adapter["changes_its_base"] as? Bool == true && adapter["places"] as? Int == 28 && adapter["layers"] as? Int == 4)

            let folder = try TemporaryFolder()
            #expect(try runProgram(["export", reference.files.path, "--to", "a.gguf"], in: folder.path).status == 0)
            let exported = try facts("\(folder.path)/a.gguf")
            #expect(exported["kind"] as? String == "adapter" && exported["format"] as? String == "GGUF file")
            #expect(exported["parameters"] as? Int == 156_160 && exported["ranks"] as? [Int] == [16] && exported["alphas"] as? [Double] == [32])

            let words = try runProgram(["inspect", reference.files.path])
            #expect(words.status == 0 && words.output.contains("condition           finished\n"), "\(words.output)")
        }

        @Test("knows a run that trained a reward model, and the reward model")
        func reward() throws {
            let path = try RewardFixture.made().run.path
            let run = try facts(path)
            #expect(run["kind"] as? String == "run" && run["objective"] == nil && run["step"] as? Int == 12)
            let evaluation = try #require((run["evaluations"] as? [[String: Any]])?.first)
            #expect(evaluation["auc"] is Double && evaluation["log_loss"] is Double && evaluation["temperature"] == nil)
            #expect(try facts("\(path)/adapter")["kind"] as? String == "reward model")
        }

        @Test("says of a damaged checkpoint what is wrong, and all the rest")
        func damaged() throws {
            let (folder, reference) = (try TemporaryFolder(), try Reference.run())
            let run = "\(folder.path)/run"
            try FileManager.default.copyItem(atPath: reference.files.path, toPath: run)
            let file = "\(run)/checkpoints/step-\(Settings.steps)/optimizer.safetensors"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: URL(fileURLWithPath: file))
            let checkpoint = try facts("\(run)/checkpoints/step-\(Settings.steps)", status: 65)
            #expect(checkpoint["whole"] as? Bool == false && checkpoint["step"] as? Int == Settings.steps)
            #expect((checkpoint["damage"] as? String)?.contains("does not have the SHA-256 of the manifest") == true)
            // A run has others to go on from.
            let checkpoints = try #require(try facts(run)["checkpoints"] as? [[String: Any]])
            #expect(checkpoints.map { $0["whole"] as? Bool } == Array(repeating: true, count: checkpoints.count - 1) + [false])
        }

        @Test("sees an adapter that changes nothing, and refuses one whose files contradict each other")
        func adapters() throws {
            let folder = try TemporaryFolder()
            let model = try ModelFiles.open(Self.base).configuration
            let configuration = AdapterConfiguration(rank: 2, alpha: 4, targets: [.query, .value])
            func write(to name: String) throws -> String {
                var matrices: [AdapterPlace: AdapterMatrices] = [:]
                for (place, strength) in configuration.places(layerCount: model.layerCount) {
                    let (outputs, inputs) = model.extents(of: place.kind)
                    matrices[place] = AdapterMatrices(
                        a: Array(repeating: 1, count: strength.rank * inputs), b: Array(repeating: 0, count: outputs * strength.rank))
                }
                let path = "\(folder.path)/\(name)"
                try AdapterFolder.write(path, configuration: configuration, baseModel: "a base", model: model, matrices: matrices)
                return path
            }
            let fresh = try facts(try write(to: "fresh"))
            #expect(fresh["changes_its_base"] as? Bool == false && fresh["base"] as? String == "a base")
            #expect(fresh["targets"] as? [String] == ["q_proj", "v_proj"] && fresh["alphas"] as? [Double] == [4])

            let wrong = try write(to: "wrong")
            let file = "\(wrong)/adapter_config.json"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try Data(text.replacing(/"r" ?: ?2/, with: "\"r\": 3").utf8).write(to: URL(fileURLWithPath: file))
            let outcome = try runProgram(["inspect", wrong])
            #expect(outcome.status == 65 && outcome.errors.contains("expected rows of rank 3"), "\(outcome.errors)")
        }

        @Test("what is not there, or not known, is said in one sentence")
        func refusals() throws {
            let folder = try TemporaryFolder()
            for (path, words) in [("\(folder.path)/none", "is not there; name a run"), (folder.path, "is not what this program knows")] {
                let outcome = try runProgram(["inspect", path])
                #expect(outcome.status == 66 && outcome.ownErrors.count == 1 && outcome.output.isEmpty)
                #expect(outcome.errors.contains(path) && outcome.errors.contains(words), "\(outcome.errors)")
            }
            #expect(try runProgram(["inspect", try folder.write("no model", to: "a.gguf")]).status == 65)
            #expect(try runProgram(["inspect", ""]).status == 64)
        }
    }
}
