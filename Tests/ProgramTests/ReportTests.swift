import Foundation
import Testing

@testable import gfn_dist

/// A run's folder as a run leaves it, made up.
private struct MadeRun {
    let folder: TemporaryFolder
    var path: String { folder.path }

    init(steps: Int, settings: [String] = [], value: (Int) -> [String: Double] = { ["loss": 1 / Double($0)] }) throws {
        folder = try TemporaryFolder()
        var text = ""
        for step in 1...steps {
            var line = JSONLine()
            line.add("step", step)
            for (key, value) in value(step).sorted(by: { $0.key < $1.key }) { line.add(key, value) }
            line.add("seconds_step", 0.5)
            for phase in ["sample", "score", "learn"] { line.add("seconds_\(phase)_by_rank", [0.1, 0.15]) }
            text += line.text + "\n"
        }
        _ = try folder.write(text, to: "metrics.jsonl")
        var layers = ConfigurationLayers()
        for assignment in settings { layers.set(assignment: assignment) }
        try layers.check()
        _ = try folder.write(layers.yaml(), to: "config.yaml")
    }

    func addEvaluation(_ name: String, step: Int, accuracy: Double) throws {
        let text = """
            {"dataset":"held-out","problems":40,"samples_per_problem":8,"policy_version":\(step),"temperatures":{"1.0":{
            "accuracy":\(accuracy),"accuracy_interval":[\(accuracy - 0.05),\(accuracy + 0.05)],
            "distinct_correct":{"exact":\(5 * accuracy),"exact_interval":[\(4 * accuracy),\(6 * accuracy)]}}},
            "exact":{"total_variation":0.25,"total_variation_interval":[0.2,0.3]}}
            """
        _ = try folder.write(text, to: name)
    }

    /// As gfn-dist reward writes it.
    func addJudgement(_ name: String, areaUnderCurve: Double) throws {
        let text = """
            [{"dataset":"steps.jsonl","figures":{"accuracy":0.875,"accuracy_interval":[0.8,0.9],"auc":\(areaUnderCurve),
            "auc_interval":[0.5,1],"bins":[{"low":0,"high":1,"steps":9}],"first_error":{"f1":0.625,"f1_interval":[0.5,0.75]},
            "log_loss":0.3,"solutions":149,"steps":329}}]
            """
        _ = try folder.write(text, to: name)
    }

    func addSamples(step: Int, _ texts: [String]) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/samples", withIntermediateDirectories: true)
        let lines = texts.enumerated().map { index, text in
            var line = JSONLine()
            line.add("problem_id", 1)
            line.add("sample_index", index)
            line.add("prompt", text)
            line.add("text", text)
            line.add("correct", index == 0)
            line.add("verdict", index == 0 ? "correct" : "wrong")
            line.add("reward", -1.5)
            line.add("step_rewards", [0.25, 0.75])
            return line.text + "\n"
        }
        _ = try folder.write(lines.joined(), to: "samples/step-\(step).jsonl")
    }
}

@Suite("What a report is made of")
struct ReportPartTests {
    @Test("a decimated series keeps its ends and every extreme, as they are, and few points all")
    func decimation() throws {
        var values: [(step: Int, value: Double)] = (1...10_000).map { (step: $0, value: sin(Double($0) / 90)) }
        (values[4_321].value, values[7_777].value) = (50, -60)
        let series = Series(values), thinned = series.decimated(columns: 300)
        #expect(thinned.points.count <= 602 && thinned.points.count > 300)
        #expect(thinned.points.first == series.points.first && thinned.points.last == series.points.last)
        #expect(thinned.points.contains { $0.step == 4_322 && $0.value == 50 })
        #expect(thinned.points.contains { $0.step == 7_778 && $0.value == -60 })
        #expect(zip(thinned.points, thinned.points.dropFirst()).allSatisfy { $0.step < $1.step })
        let all = Set(series.points.map(\.step))
        #expect(thinned.points.allSatisfy { all.contains($0.step) && $0 == series.points[$0.step - 1] })
        // Of each column the least and the greatest.
        for column in 0..<300 {
            let part = series.points.filter { ($0.step - 1) * 300 / 10_000 == column }.map(\.value)
            let kept = thinned.points.filter { ($0.step - 1) * 300 / 10_000 == column }.map(\.value)
            #expect(part.min() == kept.min() && part.max() == kept.max(), "column \(column)")
        }
        let few = Series(Array(values.prefix(600)))
        #expect(few.decimated(columns: 300) == few)
        #expect(Series([]).decimated(columns: 300).points.isEmpty)
    }

    @Test("steps that are far apart are decimated by where they are, and what is no number is left out")
    func gaps() throws {
        var values: [(step: Int, value: Double)] = (1...1_000).map { (step: $0 * $0, value: Double($0 % 7)) }
        values[499].value = .nan
        let series = Series(values)
        #expect(series.points.count == 999)
        let thinned = series.decimated(columns: 50)
        #expect(thinned.points.count <= 102)
        #expect(thinned.points.first?.step == 1 && thinned.points.last?.step == 1_000_000)
    }

    @Test("the running mean is of the last values only")
    func mean() throws {
        let series = Series((1...80).map { (step: $0, value: Double($0)) })
        #expect(series.window == 2)
        #expect(series.points[0].mean == 1 && series.points[1].mean == 1.5 && series.points[79].mean == 79.5)
    }

    @Test("text is escaped as text and as an attribute, and no control character is left")
    func escaping() {
        let text = "<img src=x onerror=\"alert('1')\"> & </script>\u{1B}[31m"
        let html = HTML.element("p", ["title": text], [HTML(text), "\(text)"]).source
        #expect(html.count { $0 == "<" } == 2 && html.count { $0 == ">" } == 2)
        #expect(html.count { $0 == "\"" } == 2 && !html.contains("'") && !html.contains("\u{1B}"))
        #expect(html.contains("&lt;/script&gt;") && html.contains("&amp;"))
    }

    @Test("numbers are short, and of their own size", arguments: [
        (0.0, "0"), (5.0, "5"), (1.25, "1.25"), (0.0123461, "0.01235"), (-0.5, "-0.5"), (12345.678, "12346"), (99.996, "100"),
        (1e-12, "1e-12"),
    ])
    func numbers(value: Double, text: String) {
        #expect(ReportNumber.short(value) == text)
    }

    @Test("a run is read back with its torn lines left out and said")
    func torn() throws {
        let run = try MadeRun(steps: 5)
        let whole = try #require(FileManager.default.contents(atPath: "\(run.path)/metrics.jsonl"))
        _ = try run.folder.write(String(decoding: whole, as: UTF8.self) + "{\"step\":6,\"lo", to: "metrics.jsonl")
        _ = try run.folder.write("{\"dataset\":\"x\",\"temp", to: "evaluation-3.json")
        try run.addEvaluation("evaluation-0.json", step: 0, accuracy: 0.25)
        try run.addEvaluation("evaluation.json", step: 5, accuracy: 0.75)
        try run.addSamples(step: 4, ["a", "b"])
        let record = try RunRecord(reading: run.path)
        #expect(record.lines.map(\.step) == [1, 2, 3, 4, 5] && !record.isFinished && record.ranks == 2)
        #expect(record.evaluations.map(\.step) == [0, 5])
        #expect(record.evaluations.last?["accuracy"]?.low == 0.7 && record.evaluations.last?["exact.total_variation"]?.value == 0.25)
        #expect(record.samples.map(\.step) == [4] && record.samples[0].problems.map(\.count) == [2])
        #expect(record.remarks.count == 2 && record.remarks.contains { $0.contains("evaluation-3.json") }, "\(record.remarks)")
    }

    @Test("of few ranks all are shown; of many their mean and both ends, with what is not shown said")
    func ranks() throws {
        let few = RankChoice(busy: [0.5, 0.25, 0.75])
        #expect(few.rows.map(\.name) == ["rank 0", "rank 1", "rank 2"] && few.note == nil)
        #expect(few.rows.map(\.ranks) == [[0], [1], [2]])
        // Rank r waits r of 64 parts of its time.
        let many = RankChoice(busy: (0..<41).map { 1 - Double($0) / 64 })
        #expect(many.rows.map(\.ranks) == [Array(0..<41)] + (0..<8).map { [$0] } + (33..<41).map { [$0] })
        #expect(many.rows.first?.name == "mean of 41")
        let note = try #require(many.note)
        for part in ["all 41 ranks", "25 between them are not shown", "0 % at the least", "16 %, 31 % and 47 % at the quartiles"] {
            #expect(note.contains(part), "\(note)")
        }
    }

    @Test("a rank's time is what its steps took, and waiting what is left; a mean is of all ranks")
    func times() throws {
        let lines = (1...4).compactMap { step in
            MetricsLine(
                "{\"step\":\(step),\"seconds_step\":1,\"seconds_sample_by_rank\":[0.5,0.25],\"seconds_learn_by_rank\":[0.25,0.25]}")
        }
        let times = try #require(RankTimes(lines))
        #expect(times.ranks == 2 && times.first == 1 && times.last == 4)
        let halves = times.bins(of: [0], count: 2)
        #expect(halves.map(\.first) == [1, 3] && halves.map(\.last) == [2, 4])
        #expect(halves.allSatisfy { $0.seconds == [1, 0, 0.5, 0.5] })
        #expect(times.bins(of: [0, 1], count: 1).map(\.seconds) == [[1.5, 0, 1, 1.5]])
        #expect(times.busyShare(of: 0) == 0.75 && times.busyShare(of: 1) == 0.5)
        #expect(RankTimes([]) == nil)
    }

    @Test("the last evaluation is not counted twice, and runs of one name are told apart")
    func twice() throws {
        let run = try MadeRun(steps: 2)
        try run.addEvaluation("evaluation-2.json", step: 2, accuracy: 0.5)
        try run.addEvaluation("evaluation.json", step: 2, accuracy: 0.5)
        let record = try RunRecord(reading: run.path)
        #expect(record.evaluations.count == 1)
        #expect(ReportRun.all([record]).map(\.label) == [record.name])
        let labels = ReportRun.all([record, record]).map(\.label)
        #expect(Set(labels).count == 2, "\(labels)")
    }
}

extension ProgramTests {
    @Suite("report")
    struct Report {
        private static func page(_ runs: [MadeRun], _ arguments: [String] = []) throws -> String {
            let outcome = try runProgram(["report"] + runs.map(\.path) + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let path = outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
            return String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
        }

        /// Whatever is in the files, these hold.
        private static func expectSelfContained(_ page: String) {
            #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
            #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("url("))
            #expect(page.components(separatedBy: "<script").count == 2 && page.components(separatedBy: "</script").count == 2)
        }

        @Test("a run's page has its verdict, plots, times, evaluations and settings, and loads nothing")
        func whole() throws {
            let run = try MadeRun(steps: 60, settings: ["objective=tb", "train.steps=60"]) {
                ["loss": 3 / Double($0), "accuracy": 0.5, "entropy": 0.3, "sync_raw_bytes": 0, "sync_compressed_bytes": 0]
            }
            try run.addEvaluation("evaluation-0.json", step: 0, accuracy: 0.25)
            try run.addEvaluation("evaluation-60.json", step: 60, accuracy: 0.75)
            let page = try Self.page([run])
            Self.expectSelfContained(page)
            for part in [
                "60 of 60", "25.0 %", "75.0 %", "70.0 – 80.0 %", "0.25", "<h3>Loss</h3>", "<h3>Entropy</h3>", "Where the time went",
                "rank 1", "held-out", "No warnings", "What is not the program&#39;s default", "<code>tb</code>",
            ] {
                #expect(page.contains(part), "\(part)")
            }
            #expect(!page.contains("Compression of weights"), "nothing was sent")
            #expect(FileManager.default.fileExists(atPath: "\(run.path)/report.html"))
        }

        @Test("a reward model's run has its figures as verdicts, plots and a table")
        func rewardModel() throws {
            let run = try MadeRun(steps: 20) { ["loss": 1 / Double($0), "accuracy": 0.75, "labels": 140] }
            try run.addJudgement("evaluation-0.json", areaUnderCurve: 0.5)
            try run.addJudgement("evaluation-20.json", areaUnderCurve: 0.9375)
            try run.addJudgement("evaluation.json", areaUnderCurve: 0.9375)
            let record = try RunRecord(reading: run.path)
            #expect(record.isOfRewardModel && record.remarks.isEmpty, "\(record.remarks)")
            #expect(record.evaluations.map(\.step) == [0, 20] && record.evaluations.last?["first_error.f1"]?.value == 0.625)
            let page = try Self.page([run])
            Self.expectSelfContained(page)
            for part in [
                "a reward model", "93.8 %", "<h3>AUC</h3>", "<h3>First-error F1</h3>", "149 solutions of steps.jsonl",
                "Of data set steps.jsonl.", "Log loss",
            ] {
                #expect(page.contains(part), "\(part)")
            }
            #expect(!page.contains("samples each at temperature") && !page.contains(">Temperature<"))
        }

        @Test("verdicts of several runs are drawn on one scale, and values have their run's name")
        func oneScale() throws {
            let runs = try [0.25, 0.75].map { accuracy in
                let run = try MadeRun(steps: accuracy < 0.5 ? 12 : 24)
                try run.addEvaluation("evaluation-12.json", step: 12, accuracy: accuracy)
                return run
            }
            let records = try runs.map { try RunRecord(reading: $0.path) }
            let verdicts = ReportVerdict.all(of: ReportRun.all(records)).map { $0.first { $0.title == "distinct correct solutions" } }
            #expect(verdicts.map { $0?.most } == [4.5, 4.5])
            let folder = try TemporaryFolder()
            let page = try Self.page(runs, ["--output", "\(folder.path)/both.html"])
            #expect(page.contains("the same for all runs"))
            #expect(page.contains("<span class=\"name\">\(records[0].name)</span>") && page.contains(" at 12</b>"))
        }

        @Test("what samples say is shown as text")
        func hostile() throws {
            let run = try MadeRun(steps: 3)
            try run.addSamples(step: 1, ["right", "</script><script>alert(1)</script>"])
            try run.addSamples(step: 3, ["right", "<img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)"])
            let page = try Self.page([run])
            Self.expectSelfContained(page)
            #expect(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(page.contains("&lt;img src=x onerror=alert(1)&gt;") && !page.contains("<img"))
            #expect(page.contains("&quot; onmouseover=&quot;alert(1)") && !page.contains("\" onmouseover=\""))
            #expect(page.contains("✓ right") && page.contains("✗ wrong") && page.contains("0.25"))
        }

        @Test("runs stand side by side, with what differs between their settings first")
        func several() throws {
            let runs = try ["subtb", "grpo"].map { try MadeRun(steps: 12, settings: ["objective=\($0)"]) }
            let folder = try TemporaryFolder()
            let page = try Self.page(runs, ["--output", "\(folder.path)/both.html"])
            Self.expectSelfContained(page)
            #expect(page.contains("<h1>2 runs</h1>"))
            let first = try #require(page.range(of: "What differs between the runs"))
            let all = try #require(page.range(of: "All \(Setting.all.count) settings"))
            let differing = page[first.upperBound..<all.lowerBound]
            #expect(differing.contains("<code>subtb</code>") && differing.contains("<code>grpo</code>"))
            #expect(!differing.contains("train.steps"))
            #expect(page.contains("class=\"mean r0 s0\"") && page.contains("class=\"mean r1 s1\""))
            #expect(!FileManager.default.fileExists(atPath: "\(runs[0].path)/report.html"))
        }

        @Test("10,000 steps fit into 3 MB, and the greatest of them is drawn with its value")
        func large() throws {
            let run = try MadeRun(steps: 10_000) { step in
                let noise = Double(step * 7919 % 10_007) / 10_007
                var values = ["loss": step == 6_543 ? 4321.5 : 1 + noise]
                for key in [
                    "reward_mean", "accuracy", "distinct_correct", "log_z_mean", "residual_variance", "kl_to_reference", "entropy",
                    "length_mean", "gradient_norm", "age_max", "age_mean", "replay_share", "tokens_sampled", "sync_raw_bytes",
                    "sync_compressed_bytes",
                ] { values[key] = 0.1 + noise }
                return values
            }
            let page = try Self.page([run])
            #expect(page.utf8.count < 3_000_000, "\(page.utf8.count) bytes")
            #expect(page.components(separatedBy: "<figure").count == 17)
            #expect(page.contains(" 4321.5 ") || page.contains(" 4321.5\""))
        }

        @Test("what is not there is left out: no metrics, no settings, no evaluation")
        func little() throws {
            let run = try MadeRun(steps: 1)
            try FileManager.default.removeItem(atPath: "\(run.path)/metrics.jsonl")
            var page = try Self.page([run])
            Self.expectSelfContained(page)
            #expect(page.contains("No step is recorded yet.") && page.contains("No evaluation yet"))
            #expect(!page.contains("<figure") && !page.contains("id=\"samples\"") && page.contains("id=\"settings\""))
            _ = try run.folder.write("{\"step\":1,\"loss\":2.5}\n{\"st", to: "metrics.jsonl")
            try FileManager.default.removeItem(atPath: "\(run.path)/config.yaml")
            page = try Self.page([run])
            #expect(page.contains("<h3>Loss</h3>") && page.contains("1 line that is torn") && !page.contains("id=\"settings\""))
        }

        @Test("a folder that is no run is an error of one sentence, and nothing is written")
        func noRun() throws {
            let folder = try TemporaryFolder()
            for path in [folder.path, "\(folder.path)/nothing"] {
                let outcome = try runProgram(["report", path])
                #expect(outcome.status == 66 && outcome.output.isEmpty, "\(outcome.errors)")
                #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.errors.contains(path), "\(outcome.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            let run = try MadeRun(steps: 1)
            let outcome = try runProgram(["report", run.path, "--output", "\(folder.path)/no/where.html"])
            #expect(outcome.status == 74, "\(outcome.errors)")
        }
    }
}
