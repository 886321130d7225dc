import Foundation
import Testing

@testable import gfn_dist

/// A line of metrics.jsonl, made up.
private func metricsLine(_ step: Int) -> String {
    "{\"step\":\(step),\"loss\":\(1 / Double(step)),\"reward_mean\":-2.5,\"accuracy\":0.5,\"distinct_correct\":1.25,\"tokens_sampled\":800,"
        + "\"seconds_step\":0.5,\"seconds_sample_by_rank\":[0.1,0.2],\"seconds_score_by_rank\":[0.05,0.05],"
        + "\"seconds_learn_by_rank\":[0.2,0.2]}\n"
}

/// A folder as a run leaves it.
private func madeRun(steps: Int, planned: Int = 100) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.write("objective: subtb\ntrain:\n  steps: \(planned)\n", to: "config.yaml")
    _ = try folder.write((0..<steps).map { metricsLine($0 + 1) }.joined(), to: "metrics.jsonl")
    return folder
}

@Suite("What watch is made of")
struct WatchPartTests {
    @Test("a log is read as it grows, a half-written line when it is whole, and a new file from its start")
    func followedLog() throws {
        let folder = try TemporaryFolder()
        var log = FollowedLog("\(folder.path)/log")
        #expect(try log.look().lines.isEmpty)
        let path = try folder.write("one\ntw", to: "log")
        let first = try log.look()
        #expect(first.lines == ["one"] && !first.isNew)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("o\nthree\n".utf8))
        #expect(try log.look().lines == ["two", "three"])
        #expect(try log.look().lines.isEmpty)
        let other = try folder.write("one\n", to: "other")
        try #require(rename(other, path) == 0)
        let anew = try log.look()
        #expect(anew.lines == ["one"] && anew.isNew)
    }

    @Test("a run is followed: steps, pace, where its time goes", arguments: [1, 3, 50])
    func history(_ steps: Int) throws {
        let folder = try madeRun(steps: steps)
        var run = try WatchedRun(folder.path)
        #expect(run.history.step == steps && run.plannedSteps == 100)
        #expect(run.history.secondsPerStep == 0.5)
        #expect(run.history.shares.map(\.phase) == ["sampling", "scoring", "learning", "waiting"])
        #expect(abs(run.history.shares.map(\.share).reduce(0, +) - 1) < 1e-9)
        #expect(run.history[.tokensPerSecond] == [Double](repeating: 1600, count: steps))
        let handle = try #require(FileHandle(forWritingAtPath: "\(folder.path)/metrics.jsonl"))
        try handle.seekToEnd()
        let next = metricsLine(steps + 1)
        try handle.write(contentsOf: Data(next.prefix(20).utf8))
        try run.refresh()
        #expect(run.history.step == steps)
        try handle.write(contentsOf: Data(next.dropFirst(20).utf8))
        try run.refresh()
        #expect(run.history.step == steps + 1)
    }

    @Test("what a run is doing follows from its lock, its files and their age")
    func condition() {
        func condition(_ writer: RunCondition.Writer, written: Bool = false, complete: Bool = false, age: Double) -> RunCondition {
            RunCondition(writer: writer, isWritten: written, isComplete: complete, age: age, secondsPerStep: 1)
        }
        #expect(condition(.present, age: 5) == .running)
        // A run that is continued with more steps has its first adapter still.
        #expect(condition(.present, written: true, complete: true, age: 5) == .running)
        #expect(condition(.present, age: 500) == .silent(500))
        #expect(condition(.absent, written: true, complete: true, age: 5) == .finished)
        #expect(condition(.absent, written: true, age: 5) == .stopped)
        #expect(condition(.unknown, age: 5) == .running)
        #expect(condition(.unknown, written: true, complete: true, age: 5) == .finished)
    }

    @Test("a view fits its terminal, coloured or not", arguments: [40, 80, 200], [false, true])
    func view(_ columns: Int, _ isUnicode: Bool) throws {
        let folder = try madeRun(steps: 90)
        try FileManager.default.createDirectory(atPath: "\(folder.path)/samples", withIntermediateDirectories: true)
        let text = "東京 \\u001b[31m " + String(repeating: "word ", count: 80)
        let sample = "{\"problem_id\":1,\"text\":\"\(text)\",\"correct\":true,\"verdict\":\"correct\"}\n"
        _ = try folder.write(sample, to: "samples/step-90.jsonl")
        let run = try WatchedRun(folder.path)
        let lines = WatchView(run: run, style: TerminalStyle(isUnicode: isUnicode)).lines(columns: columns)
        #expect(lines.allSatisfy { TerminalLine($0).width <= columns })
        #expect(lines.contains { $0.contains("step 90 of 100") })
        #expect(lines.contains { $0.hasPrefix("loss") } && lines.contains { $0.hasPrefix("sample, step 90") })
        #expect(!lines.contains { $0.contains("\u{1B}") })
        #expect(isUnicode || lines.allSatisfy { $0.allSatisfy(\.isASCII) })
        let coloured = WatchView(run: run, style: TerminalStyle(isUnicode: isUnicode, hasColor: true)).lines(columns: columns)
        let bare = coloured.map { $0.replacing(/\u{1B}\[[0-9]*m/, with: "") }
        #expect(bare == lines && coloured != lines)
    }

    @Test("a sparkline spans least to most, means of bins, and is flat where nothing differs")
    func sparkline() {
        #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7], width: 8, unicode: true) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text([0, 0, 7, 7], width: 2, unicode: true) == "▁█")
        #expect(Sparkline.text([3, 3, 3], width: 9, unicode: false) == "***")
        #expect(Sparkline.text([.nan], width: 9, unicode: true).isEmpty)
        #expect(Sparkline.bar(0.5, width: 4, unicode: false) == "##..")
        #expect(Sparkline.bar(2, width: 3, unicode: true) == "███")
    }

    @Test("colours and blocks are as the environment says", arguments: [
        (["LANG": "en_US.UTF-8"], true, true, true), (["LANG": "C"], true, false, true),
        (["LC_ALL": "C", "LANG": "en_US.UTF-8"], true, false, true),
        (["LANG": "C.utf8", "NO_COLOR": "1"], true, true, false), (["LANG": "C.utf8"], false, true, false),
    ])
    func style(_ environment: [String: String], _ isTerminal: Bool, _ isUnicode: Bool, _ hasColor: Bool) {
        let style = TerminalStyle.found(environment, isTerminal: isTerminal, ascii: false)
        #expect(style.isUnicode == isUnicode && style.hasColor == hasColor)
        #expect(!TerminalStyle.found(environment, isTerminal: isTerminal, ascii: true).isUnicode)
    }
}

extension ProgramTests {
    @Suite("watch")
    struct WatchTests {
        @Test("prints one block and ends where there is no terminal")
        func block() throws {
            let folder = try madeRun(steps: 12)
            let outcome = try runProgram(["watch", folder.path])
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
            #expect(outcome.output.contains("step 12 of 100") && !outcome.output.contains("\u{1B}"))
        }

        @Test("a run that a program writes is running, and finished or stopped afterwards")
        func conditions() throws {
            let folder = try TemporaryFolder()
            let settings = Settings.standard.with(["train.steps": "2000"])
            let run = "\(folder.path)/run"
            let program = try Program(train: settings.arguments + ["--quiet", "--output", run], on: .single(1))
            try program.reaches("a step") { !RunFiles(path: run).metricLines.isEmpty }
            #expect(try runProgram(["watch", run, "--once", "--ascii"]).output.contains("running"))
            program.send(SIGTERM)
            #expect(try program.outcome().status == 75)
            #expect(try runProgram(["watch", run]).output.contains("stopped before its end"))
            #expect(try runProgram(["watch", try Reference.run().files.path]).output.contains("finished"))
        }

        @Test("what is no run, or has no step, is said in one sentence")
        func refusals() throws {
            let (none, empty) = (try TemporaryFolder(), try madeRun(steps: 0))
            for path in ["\(none.path)/missing", none.path, empty.path] {
                let outcome = try runProgram(["watch", path])
                #expect(outcome.status == 66 && outcome.ownErrors.count == 1 && outcome.output.isEmpty)
                #expect(outcome.errors.contains(path))
            }
            #expect(try runProgram(["watch", none.path, "--interval", "0"]).status == 64)
        }
    }
}
