import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("sample --output goes on where it was stopped, and only there")
    struct SampleResume {
        private static let call = ["pathsum", "--limit", "7", "--samples-per-problem", "2", "--temperature", "0.7,1", "--greedy"]
        /// Long enough for a signal to come in the middle.
        private static let long = ["pathsum", "--samples-per-problem", "16"]

        private final class Store: @unchecked Sendable {
            let lock = NSLock()
            var texts: [[String]: String] = [:]
        }
        private static let store = Store()

        /// What an undisturbed call writes; each is made once.
        private static func expected(_ call: [String] = call) throws -> String {
            try store.lock.withLock {
                let text = try store.texts[call] ?? sample(call)
                store.texts[call] = text
                return text
            }
        }

        private func contents(_ folder: TemporaryFolder, _ name: String) -> String? {
            FileManager.default.contents(atPath: "\(folder.path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
        }

        private func go(
            on call: [String] = Self.call, _ options: [String] = ["--resume"], under launcher: [String] = [], in folder: TemporaryFolder
        ) throws -> Program.Outcome {
            try runProgram(["sample", "--output", "out"] + call + options, under: launcher, in: folder.path)
        }

        @Test("wherever the file was cut, the whole file is the same in the end, on other ranks as well", arguments: [
            (0, 0), (0, 30), (1, 0), (3, 200), (4, 1), (5, 0), (5, 1), (12, 100), (20, 0), (34, 17), (35, 0),
        ])
        func cut(lines: Int, bytes: Int) throws {
            let whole = try Self.expected()
            let folder = try TemporaryFolder()
            let all = whole.split(separator: "\n").map { $0 + "\n" }
            try #require(all.count == 35)
            _ = try folder.write(all[..<lines].joined() + (lines < 35 ? String(all[lines].prefix(bytes)) : ""), to: "out.partial")
            let layouts = [[], ["--single", "--ranks", "3"]]
            let outcome = try go(["--resume"] + layouts[lines % 2], in: folder)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.isEmpty && outcome.errors.contains("sample: \(lines) of 35 lines are there already") == (lines > 0))
            #expect(contents(folder, "out") == whole)
            #expect(contents(folder, "out.partial") == nil)
        }

        @Test("a file of another call is refused with the line that differs, and stays as it is", arguments: [
            (["--seed", "2"], 11...15), (["--limit", "2"], 11...11), (["--samples-per-problem", "3"], 3...3),
            (["--temperature", "0.9"], 1...1), (["--set", "reward.correct=9"], 11...15),
        ])
        func foreign(change: [String], lines: ClosedRange<Int>) throws {
            let part = try Self.expected().split(separator: "\n").prefix(15).map { $0 + "\n" }.joined()
            let folder = try TemporaryFolder()
            _ = try folder.write(part + "{\"torn", to: "out.partial")
            // The options of the call that the change replaces.
            var call = Self.call
            if let index = call.firstIndex(of: change[0]) { call.removeSubrange(index...index + 1) }
            for launcher in lines == 11...11 ? [[], ["mpirun", "-n", "2"]] : [[]] {
                let outcome = try go(on: call + change, under: launcher, in: folder)
                #expect(outcome.status == 78, "\(outcome.errors)")
                #expect(outcome.ownErrors.count == 1, "\(outcome.errors)")
                let place = try #require(outcome.ownErrors.first?.firstMatch(of: /out\.partial:(\d+) is not what this call writes/))
                #expect(lines.contains(Int(place.1) ?? 0), "\(outcome.errors)")
                #expect(contents(folder, "out.partial") == part + "{\"torn" && contents(folder, "out") == nil)
            }
        }

        @Test("a file that is there is not touched without --resume, and both ways out are named")
        func left() throws {
            let folder = try TemporaryFolder()
            _ = try folder.write("something\n", to: "out.partial")
            for launcher in [[], ["mpirun", "-n", "2"]] {
                let outcome = try go([], under: launcher, in: folder)
                #expect(outcome.status == 78 && outcome.ownErrors.count == 1, "\(outcome.errors)")
                #expect(outcome.errors.contains("--resume") && outcome.errors.contains("remove"), "\(outcome.errors)")
                #expect(contents(folder, "out.partial") == "something\n")
            }
        }

        @Test("a complete file is left with --resume, replaced without, and --resume begins where nothing is")
        func complete() throws {
            let folder = try TemporaryFolder()
            #expect(try go(in: folder).status == 0)
            #expect(contents(folder, "out") == (try Self.expected()))
            _ = try folder.write("older\n", to: "out")
            let outcome = try go(in: folder)
            #expect(outcome.status == 0 && outcome.errors.contains("out is complete"), "\(outcome.errors)")
            #expect(contents(folder, "out") == "older\n")
            #expect(try go(["--quiet"], in: folder).status == 0)
            #expect(contents(folder, "out") == (try Self.expected()))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
        }

        /// Starts the long call and waits until so many lines are in its file.
        private func start(_ options: [String], under launcher: [String] = [], lines: Int, _ folder: TemporaryFolder) throws -> Program {
            let program = try Program(
                ["sample", "--quiet", "--threads", "1", "--output", "out"] + Self.long + options, under: launcher, in: folder.path)
            try program.reaches("the middle of the call") {
                (contents(folder, "out.partial") ?? "").utf8.count { $0 == UInt8(ascii: "\n") } >= lines
            }
            return program
        }

        @Test("kill -9 and --resume end with the same bytes", arguments: [1, 100, 700])
        func killed(lines: Int) throws {
            let folder = try TemporaryFolder()
            let program = try start(lines == 100 ? ["--single", "--ranks", "2"] : [], lines: lines, folder)
            program.send(SIGKILL)
            #expect(try program.outcome().status == SIGKILL)
            #expect(contents(folder, "out") == nil)
            #expect(try go(on: Self.long, in: folder).status == 0)
            #expect(contents(folder, "out") == (try Self.expected(Self.long)))
        }

        @Test("a signal ends all ranks with 75 and whole lines, and names --resume", arguments: [
            (["--single"], [], SIGTERM), (["--single", "--ranks", "3"], [], SIGINT), ([], ["mpirun", "-n", "2"], SIGUSR1),
        ])
        func stopped(options: [String], launcher: [String], signal: Int32) throws {
            let folder = try TemporaryFolder()
            let program = try start(options, under: launcher, lines: 1, folder)
            program.send(signal)
            let outcome = try program.outcome()
            #expect(outcome.status == 75, "\(outcome.errors)")
            #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("--resume"), "\(outcome.errors)")
            let part = try #require(contents(folder, "out.partial"))
            #expect(try Self.expected(Self.long).hasPrefix(part) && part.hasSuffix("\n"))
            #expect(try go(on: Self.long, in: folder).status == 0)
            #expect(contents(folder, "out") == (try Self.expected(Self.long)))
        }

        @Test("while one call writes a file, another one is refused it")
        func twice() throws {
            let folder = try TemporaryFolder()
            let program = try start([], lines: 1, folder)
            program.send(SIGSTOP)
            for (options, text) in [(["--resume"], "another process writes"), ([], "--resume")] {
                let outcome = try go(on: Self.long, options, in: folder)
                #expect(outcome.status == 78 && outcome.ownErrors.count == 1 && outcome.errors.contains(text), "\(outcome.errors)")
            }
            program.send(SIGCONT)
            #expect(try program.outcome().status == 0)
            #expect(contents(folder, "out") == (try Self.expected(Self.long)))
        }

        @Test("a disk that fills up ends all ranks with 74, and with room again --resume ends with the same bytes")
        func full() throws {
            let folder = try TemporaryFolder()
            let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 20; exec \"$0\" \"$@\""]
            let call = Self.long + ["--limit", "20"]
            let stopped = try go(on: call, ["--single", "--ranks", "2", "--quiet"], under: limited, in: folder)
            #expect(stopped.status == 74 && stopped.ownErrors.count == 1 && stopped.errors.contains("--resume"), "\(stopped.errors)")
            #expect(contents(folder, "out") == nil && contents(folder, "out.partial")?.isEmpty == false)
            #expect(try go(on: call, in: folder).status == 0)
            #expect(contents(folder, "out") == (try Self.expected(call)))
        }
    }

    @Suite("problems are handed out")
    struct SampleScheduling {
        @Test("each once and in order, so many that they fill a batch, and not far beyond what is written")
        func orders() {
            let plan = SamplePlan(problemCount: 100, temperatures: [1, 0], samplesPerProblem: 8)
            var schedule = SampleSchedule<SampledProblem>(
                problemCount: plan.problemCount, problemsAtOnce: plan.problemsAtOnce, startingAt: 3, ranks: 3)
            var orders: [Range<Int>] = []
            while let order = schedule.takeOrder() { orders.append(order) }
            #expect(orders.map(\.count) == [8, 8, 8, 8, 8, 8] && orders.first?.lowerBound == 3)
            // Nothing is written before the first order is back, and the others are kept for it.
            schedule.put((0..<8).map { _ in SampledProblem() }, of: orders[1])
            #expect(schedule.takeResult() == nil && schedule.takeOrder() == nil)
            schedule.put((0..<8).map { _ in SampledProblem() }, of: orders[0])
            for _ in 0..<16 { #expect(schedule.takeResult() != nil) }
            #expect(schedule.takeResult() == nil && schedule.written == 19)
            #expect(schedule.takeOrder() == 51..<59)
        }

        @Test("the last ones in equal shares, and the run is complete when all are written", arguments: [1, 2, 5])
        func end(ranks: Int) {
            let plan = SamplePlan(problemCount: 12, temperatures: [1], samplesPerProblem: 8)
            var schedule = SampleSchedule<SampledProblem>(
                problemCount: plan.problemCount, problemsAtOnce: plan.problemsAtOnce, startingAt: 0, ranks: ranks)
            var sizes: [Int] = []
            while !schedule.isComplete {
                guard let order = schedule.takeOrder() else { break }
                sizes.append(order.count)
                schedule.put(order.map { _ in SampledProblem() }, of: order)
                while schedule.takeResult() != nil {}
            }
            #expect(schedule.isComplete && sizes.reduce(0, +) == 12)
            #expect(sizes.first == [1: 8, 2: 6, 5: 3][ranks])
        }
    }
}
