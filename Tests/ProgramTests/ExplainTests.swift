import Foundation
import TestSupport
import Testing

@testable import gfn_dist

/// What `explain --json` says of one sample.
private struct Explained {
    let object: [String: Any]
    let states: [[String: Any]]

    init(_ outcome: Program.Outcome) throws {
        object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome)")
        states = try #require(object["states"] as? [[String: Any]])
    }

    func number(_ key: String) throws -> Double { try #require(object[key] as? Double, "no number \(key)") }
    func numbers(_ key: String) throws -> [Double] { try #require(object[key] as? [Double], "no numbers \(key)") }

    /// A column, where it has something to say.
    func column(_ key: String) -> [Double] { states.compactMap { $0[key] as? Double } }

    var ends: [Int] { states.indices.filter { states[$0]["residual"] != nil } }
    var isForced: Bool { states.last?["stop_forced"] as? Bool ?? false }

    /// H from the other columns: Σ_{k≤i} l_k + e_i − r_i at each state that may end (METHOD 2.2).
    func residuals(tokens: [Double], stops: [Double]) throws -> [Double] {
        try ends.map { i in
            let reward = try #require(states[i]["log_reward"] as? Double)
            return tokens.prefix(i).reduce(0, +) + (isForced && i == states.count - 1 ? 0 : stops[i]) - reward
        }
    }
}

/// Sub-trajectory balance of one response with λ = 1 and all pairs, as its definition has it.
private func balanceLoss(_ residuals: [Double], _ logPartition: Double) -> Double {
    let path = [-logPartition] + residuals
    var sum = 0.0, pairs = 0.0
    for j in path.indices {
        for i in 0..<j {
            sum += (path[j] - path[i]) * (path[j] - path[i])
            pairs += 1
        }
    }
    return sum / pairs
}

extension ProgramTests {
    @Suite("explain")
    struct ExplainTests {
        /// One group a step, none of them replayed: the step's loss is the group's.
        private static let settings = Settings.standard.with([
            "objective": "subtb", "train.prompts_per_step": "1", "replay.share": "0", "samples.every": "3", "subtb.lambda": "1",
            "subtb.huber": "none", "subtb.pairs": "all", "checkpoint.every": "2", "checkpoint.keep": "9",
        ])

        private func explain(_ run: FinishedRun, _ arguments: [String] = []) throws -> Program.Outcome {
            try runProgram(["explain", run.files.path, "--threads", "1"] + arguments)
        }

        /// The lines of a step's file.
        private func stored(_ run: FinishedRun, step: Int) throws -> [[String: Any]] {
            try #require(run.files.text("samples/step-\(step).jsonl")).split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }

        @Test("every sample's figures follow from each other, from what was stored, and from the step's loss")
        func figures() throws {
            let run = try train(Self.settings, on: .single(1)), lines = try stored(run, step: 6)
            let before = try FileManager.default.subpathsOfDirectory(atPath: run.files.path).sorted()
            let recorded = try run.files.numbers("loss")[5]
            var total = 0.0
            for (k, line) in lines.enumerated() {
                let outcome = try explain(run, ["--sample", "\(k)", "--json"])
                #expect(outcome.status == 0, "\(outcome.errors)")
                let sample = try Explained(outcome)
                // The newest step with stored samples, though steps 7 and 8 came after it.
                #expect(try sample.number("step") == 6 && sample.object["stored_in"] as? String == "samples/step-6.jsonl")
                #expect(sample.object["problem_id"] as? NSObject == line["problem_id"] as? NSObject)
                #expect(sample.states.compactMap { $0["id"] as? Int } == line["tokens"] as? [Int])
                #expect(sample.column("sampler_logprob") == line["logprobs"] as? [Double])
                #expect(sample.column("log_reward").last == line["reward"] as? Double)

                let tokens = sample.column("logprob"), stops = sample.column("stop_logprob")
                expectClose(sample.column("residual"), try sample.residuals(tokens: tokens, stops: stops), relative: 1e-12, absolute: 1e-12)
                let parts = try #require(sample.object["reward_parts"] as? [String: Any])
                let (task, temperature) = (try #require(parts["task"] as? Double), try #require(parts["temperature"] as? Double))
                let exponent = try #require(parts["reference_exponent"] as? Double)
                let reference = try #require(parts["log_reference"] as? Double)
                expectClose(try sample.number("log_reward"), task / temperature + exponent * reference, relative: 1e-9)

                // The definition again, and its central differences.
                let logPartition = try sample.number("log_z"), share = 1 / Double(lines.count), step = 1e-5
                func loss(_ tokens: [Double], _ stops: [Double]) throws -> Double {
                    share * balanceLoss(try sample.residuals(tokens: tokens, stops: stops), logPartition)
                }
                expectClose(try sample.number("loss"), try loss(tokens, stops), relative: 1e-9, absolute: 1e-12)
                func changed(_ values: [Double], _ place: Int, _ change: Double) -> [Double] {
                    var values = values
                    values[place] += change
                    return values
                }
                let tokenSlopes = try tokens.indices.map { t in
                    (try loss(changed(tokens, t, step), stops) - loss(changed(tokens, t, -step), stops)) / (2 * step)
                }
                expectClose(sample.column("slope"), tokenSlopes, relative: 1e-5, absolute: 1e-6)
                let stopSlopes = try stops.indices.map { i in
                    (try loss(tokens, changed(stops, i, step)) - loss(tokens, changed(stops, i, -step))) / (2 * step)
                }
                expectClose(sample.column("stop_slope"), stopSlopes, relative: 1e-5, absolute: 1e-6)

                total += try sample.number("loss")
                expectClose(try sample.number("step_loss"), recorded, relative: 1e-12)
                expectClose(try sample.numbers("losses").reduce(0, +), recorded, relative: 1e-9)
            }
            #expect(lines.count == 4)
            expectClose(total, recorded, relative: 1e-9)
            #expect(try FileManager.default.subpathsOfDirectory(atPath: run.files.path).sorted() == before)
        }

        @Test("the text has each token on a line, and the page is whole, loads nothing, and says the same")
        func shown() throws {
            let run = try train(Self.settings, on: .single(1))
            let page = "\(run.folder.path)/sample.html"
            let outcome = try explain(run, ["--html", page])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let text = outcome.output
            #expect(text.hasPrefix("sample 0 of problem ") && text.contains("samples/step-6.jsonl: as it was stored, bit for bit"))
            let count = try #require(try stored(run, step: 6)[0]["tokens"] as? [Int]).count
            let rows = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            for i in 1...max(count, 1) { #expect(rows.contains { $0.hasPrefix("\(i) ") }, "token \(i): \(text)") }
            let html = try #require(FileManager.default.contents(atPath: page).map { String(decoding: $0, as: UTF8.self) })
            #expect(html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
            #expect(!html.contains("http://") && !html.contains("https://") && !html.contains(" src="))
            #expect(html.components(separatedBy: "class=\"token ").count > count && html.contains("<svg"))
        }

        @Test("methods of advantages show them, and the shares of the loss add up to it")
        func advantages() throws {
            let run = try train(
                Settings.standard.with([
                    "objective": "grpo", "lag": "0", "train.prompts_per_step": "1", "train.steps": "6", "samples.every": "3",
                ]), on: .single(1))
            let sample = try Explained(try explain(run, ["--json"]))
            expectClose(try sample.numbers("losses").reduce(0, +), try run.files.numbers("loss")[5], relative: 1e-9, absolute: 1e-12)
            #expect(sample.column("advantage").count == sample.states.count - 1 && (sample.object["differing_logprobs"] as? Int) == 0)
            let text = try explain(run).output
            #expect(text.contains(" A ") && !text.contains("H+log Z") && text.contains("are equal to the last bit"), "\(text)")
        }

        @Test("a stored sample that is another is named, and ends with 70")
        func different() throws {
            let run = try train(Self.settings, on: .single(1)), path = "\(run.files.path)/samples/step-3.jsonl"
            let text = try #require(run.files.text("samples/step-3.jsonl"))
            try text.replacing("\"policy_version\":1", with: "\"policy_version\":0").write(toFile: path, atomically: true, encoding: .utf8)
            let outcome = try explain(run, ["--step", "3"])
            #expect(outcome.status == 70 && outcome.errors.contains("policy_version: 0 was recorded, now 1"), "\(outcome.errors)")
            try "".write(toFile: path, atomically: true, encoding: .utf8)
            let empty = try explain(run, ["--step", "3"])
            #expect(empty.status == 70 && empty.errors.contains("it has no line of this problem and sample"), "\(empty.errors)")
            // What was not written has nothing to be held against.
            let other = try explain(run, ["--step", "2"])
            #expect(other.status == 0 && other.output.contains("nothing to compare it with"), "\(other)")
        }

        @Test("what is not there is said, with what is, and so is what learned from no sample")
        func missing() throws {
            let run = try train(Self.settings, on: .single(1))
            let problem = try explain(run, ["--problem", "nobody"])
            let name = try #require(try stored(run, step: 6)[0]["problem_id"])
            #expect(problem.status == 66 && problem.errors.contains("its problems are \(name)"), "\(problem.errors)")
            let sample = try explain(run, ["--sample", "4"])
            #expect(sample.status == 66 && sample.errors.contains("its samples are 0 to 3"), "\(sample.errors)")
            let step = try explain(run, ["--step", "9"])
            #expect(step.status == 66 && step.errors.contains("has no step 9"), "\(step.errors)")
            #expect(try explain(run, ["--step", "0"]).status == 64)
            let none = try runProgram(["explain", run.folder.path])
            #expect(none.status == 66 && none.errors.contains("is not a run folder"))
            let data = try runProgram([
                "train", "--objective", "sft", "--model", "random", "--quiet", "--output", "\(run.folder.path)/sft", "--threads", "1",
                "--set", "train.steps=2", "--set", "train.prompts_per_step=2", "--set", "train.warmup_steps=1",
                "--set", "evaluate.problems=1", "--set", "evaluate.samples_per_problem=1",
            ])
            #expect(data.status == 0, "\(data.errors)")
            let examples = try runProgram(["explain", "\(run.folder.path)/sft"])
            #expect(examples.status == 78 && examples.errors.contains("learned from no sampled response"), "\(examples.errors)")
        }
    }
}
