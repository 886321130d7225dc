import Foundation
import Testing

@testable import gfn_dist

@Suite("What a run says of its memory")
struct RunMemoryPartTests {
    private static let text = """
        Name:\tgfn-dist
        VmHWM:\t   91904 kB
        VmRSS:\t   80000 kB
        RssAnon:\t   32732 kB
        RssFile:\t   47140 kB
        RssShmem:\t     128 kB
        Threads:\t4
        """

    @Test("a process's own pages at the peak are those that are not mapped")
    func status() throws {
        let memory = try #require(ProcessMemory(status: Self.text))
        #expect(memory.own == 32_732 << 10 && memory.mapped == 47_268 << 10 && memory.peak == 91_904 << 10)
        #expect(memory.peakOwn == (91_904 - 47_268) << 10)
        // Mapped pages that came after the peak do not take away from what is there.
        let later = try #require(ProcessMemory(status: Self.text.replacing("47140 kB", with: "90000 kB")))
        #expect(later.peakOwn == 32_732 << 10)
    }

    @Test("where the system does not say all of it, nothing is known", arguments: ["VmHWM", "RssAnon", "RssFile", "RssShmem"])
    func missing(name: String) {
        #expect(ProcessMemory(status: Self.text.replacing("\(name):", with: "Other:")) == nil)
        #expect(ProcessMemory(status: "") == nil)
    }

    @Test("what ranks map counts once, ranks of one process count once, and other nodes do not count")
    func sum() throws {
        func report(_ node: String, _ process: Int32, own: Int, mapped: Int) -> RunMemory.Report {
            RunMemory.Report(node: node, process: process, own: own, mapped: mapped)
        }
        let reports = [
            report("a", 7, own: 100, mapped: 40), report("a", 8, own: 120, mapped: 45), report("a", 8, own: 121, mapped: 46),
            report("b", 9, own: 1000, mapped: 500),
        ]
        let memory = try #require(RunMemory(planned: 300, reports))
        #expect(memory.own == [100, 120] && memory.mapped == 45 && memory.real == 265 && memory.planned == 300)
        #expect(try JSONDecoder().decode(RunMemory.self, from: Data(try memory.json().utf8)) == memory)
        #expect(RunMemory(planned: 300, []) == nil && RunMemory(planned: 300, [nil, reports[0]]) == nil)
        #expect(RunMemory(planned: 300, [reports[0], nil])?.own == [100])
    }
}

/// A plan of one node, 200 MiB and 0.25 s a step.
private func planLine(ranks: Int) -> String {
    var line = JSONLine()
    for (key, value) in [
        ("nodes", 1), ("ranks_per_node", ranks), ("memory_node_bytes", 200 << 20), ("tokens_per_step", 500), ("sync_weight_bytes", 0),
    ] { line.add(key, value) }
    for (key, value) in [("seconds_step", 0.25), ("seconds_sample", 0.1), ("seconds_score", 0.0), ("seconds_learn", 0.15)] {
        line.add(key, value)
    }
    return line.text
}

extension ProgramTests {
    @Suite("memory.json and report --plan")
    struct RunMemoryTests {
        private static let settings = Settings.standard.with(["train.steps": "3", "checkpoint.every": "none"])

        @Test("a run writes what it was planned to take and what it took", arguments: [1, 2])
        func recorded(ranks: Int) throws {
            let folder = try TemporaryFolder()
            let run = RunFiles(path: "\(folder.path)/run")
            let outcome = try runProgram(
                ["train", "--output", run.path] + Self.settings.arguments, under: ranks == 1 ? [] : ["mpirun", "-n", "\(ranks)"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let memory = try run.object("memory.json")
            let planned = try #require(memory["memory_planned_bytes"] as? Int), real = try #require(memory["memory_real_bytes"] as? Int)
            let own = try #require(memory["memory_own_bytes"] as? [Int]), mapped = try #require(memory["memory_mapped_bytes"] as? Int)
            #expect(own.count == ranks && own.allSatisfy { $0 > 1 << 20 } && mapped > 1 << 20)
            #expect(real == own.reduce(mapped, +))
            // Wide, since the machine of a test may differ from the one that the plan was measured on.
            #expect((0.5...2).contains(Double(planned) / Double(real)), "planned \(planned), real \(real)")
            #expect(outcome.errors.contains("memory of this node: ") && outcome.errors.contains(", planned "), "\(outcome.errors)")
        }

        /// Steps of 0.5 s and 1,000 tokens on two ranks, which took 160 MiB.
        private static func madeRun() throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            let lines = (1...4).map { step in
                "{\"step\":\(step),\"tokens_sampled\":1000,\"seconds_step\":\(step == 1 ? 9 : 0.5),\"seconds_sample\":0.1,"
                    + "\"seconds_score\":0,\"seconds_learn\":0.3,\"seconds_learn_by_rank\":[0.1,0.2]}\n"
            }
            _ = try folder.write(lines.joined(), to: "metrics.jsonl")
            _ = try folder.write(
                "{\"memory_planned_bytes\":\(176 << 20),\"memory_real_bytes\":\(160 << 20),\"memory_own_bytes\":[\(120 << 20)],"
                    + "\"memory_mapped_bytes\":\(40 << 20)}", to: "memory.json")
            return folder
        }

        private static func figures(_ folder: TemporaryFolder, plan: PlannedFigures?) throws -> [ReportPlan.Row] {
            var record = try RunRecord(reading: folder.path)
            record.plan = plan
            return ReportPlan.rows(of: record)
        }

        @Test("without a plan the memory alone is shown, with one each figure that either has; the first step does not count")
        func rows() throws {
            let folder = try Self.madeRun()
            let alone = try Self.figures(folder, plan: nil)
            #expect(alone.map(\.name) == ["memory of a node"] && alone.first?.ratio == 1.1)
            let file = try folder.write(planLine(ranks: 1) + "\n" + planLine(ranks: 2) + "\n", to: "plan.json")
            let plans = try PlannedFigures.all(reading: file)
            let record = try RunRecord(reading: folder.path)
            let plan = try #require(try PlannedFigures.of(record, in: plans, from: file))
            #expect(plan.ranks == 2)
            let rows = try Self.figures(folder, plan: plan)
            #expect(rows.map(\.name) == ["memory of a node", "a step", "of it sampling", "of it learning", "tokens sampled a second"])
            #expect(rows.map(\.ratio) == [1.25, 0.5, 1, 0.5, 1])
        }

        @Test("the page has the table, and a run without its file has none")
        func page() throws {
            let folder = try Self.madeRun()
            let file = try folder.write(planLine(ranks: 2), to: "plan.json")
            let outcome = try runProgram(["report", folder.path, "--plan", file])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let page = try String(contentsOfFile: "\(folder.path)/report.html", encoding: .utf8)
            for text in ["Predicted and real", "200 MiB", "160 MiB", "<td>1.25</td>", "0.25 s", "2000"] {
                #expect(page.contains(text), "\(text)")
            }
            try FileManager.default.removeItem(atPath: "\(folder.path)/memory.json")
            let bare = try runProgram(["report", folder.path])
            #expect(bare.status == 0, "\(bare.errors)")
            #expect(try !String(contentsOfFile: "\(folder.path)/report.html", encoding: .utf8).contains("Predicted and real"))
        }

        @Test("a file that is no plan, or none of this run's layout, is refused with what to do", arguments: [
            ("", "is empty, expected what gfn-dist plan --json printed"),
            ("{\"step\":1}", "line 1 is not a plan, expected what gfn-dist plan --json printed"),
            ("four", "has plans of 4 ranks, but the run in "),
        ])
        func refused(text: String, words: String) throws {
            let folder = try Self.madeRun()
            let file = try folder.write(text == "four" ? planLine(ranks: 4) : text, to: "plan.json")
            let outcome = try runProgram(["report", folder.path, "--plan", file])
            #expect(outcome.status == 65 && outcome.errors.contains(words), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/report.html"))
            let missing = try runProgram(["report", folder.path, "--plan", "\(folder.path)/none.json"])
            #expect(missing.status == 66 && missing.errors.contains("there is no file "), "\(missing.errors)")
        }
    }
}
