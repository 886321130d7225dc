import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("doctor")
    struct DoctorTests {
        private static let quick = ["--set", "train.steps=2"]

        @Test("lists of cores are read and written as the system has them", arguments: [
            ("0", 1, "0"), ("0-3", 4, "0-3"), ("0-1,4,6-7", 5, "0-1,4,6-7"), ("3,4,5", 3, "3-5"),
        ])
        func cores(list: String, count: Int, text: String) throws {
            let cores = try #require(CoreSet(list))
            #expect(cores.count == count && cores.text == text)
            for wrong in ["", "a", "3-1", "1-2-3", "0-99999999999"] { #expect(CoreSet(wrong) == nil, "\(wrong)") }
        }

        @Test("threads are held against cores, binding and control groups", arguments: [
            (ranks: 1, threads: nil, allowed: "0-7", quota: "max 100000", state: DoctorLine.State.fine, words: "8 cores"),
            (4, 2, "0-7", "max 100000", .fine, "2 threads a rank"), (4, nil, "2-3", "max 100000", .fine, "of which this process may use 2"),
            (1, nil, "5", "max 100000", .advice, "bound to 1 of 8 cores and has 8 threads: bind ranks"),
            (4, 4, "0-7", "max 100000", .advice, "4 ranks of 4 threads share 8 cores: set threads=2"),
            (4, 2, "0-7", "250000 100000", .advice, "a control group allows 2.5 of 8 cores"),
        ])
        func threads(ranks: Int, threads: Int?, allowed: String, quota: String, state: DoctorLine.State, words: String) throws {
            let folder = try TemporaryFolder()
            try FileManager.default.createDirectory(atPath: "\(folder.path)/proc/self", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: "\(folder.path)/sys/fs/cgroup/job", withIntermediateDirectories: true)
            _ = try folder.write("0::/job/step\n", to: "proc/self/cgroup")
            _ = try folder.write("\(quota)\n", to: "sys/fs/cgroup/job/cpu.max")
            let checks = NodeChecks(environment: [:], root: folder.path, ranks: ranks, threads: threads)
            let line = checks.cores(try #require(CoreSet(allowed)), online: 8)
            #expect(line.state == state && line.line.contains(words), "\(line)")
        }

        @Test("what stands in the way is named with what to do")
        func node() throws {
            let lines = NodeChecks(environment: ["GFN_KERNELS": "mmx", "GFN_STALL": "load:0"], folder: "/proc/nothing").lines()
            func line(_ topic: String) throws -> DoctorLine { try #require(lines.first { $0.topic == topic && $0.state != .fine }) }
            #expect(try line("kernels").line.contains("GFN_KERNELS is mmx, which this processor does not have: unset it, or name one of portable"))
            #expect(try line("launcher").line.contains("GFN_STALL is load:0"))
            #expect(try line("run folder").state == .broken && line("run folder").line.contains("name another with --output"))
            #expect(try line("cache folder").line.contains("set GFN_CACHE"))
        }

        @Test("a machine on which runs work is fine, in words and in JSON, alone and on ranks")
        func fine() throws {
            let words = try runProgram(["doctor"] + Self.quick)
            #expect(words.status == 0 && words.output.contains("two ranks started, met and exchanged bytes"), "\(words.output)\(words.errors)")
            for topic in ["kernels", "cores", "OpenBLAS", "memory", "run folder", "limits", "model", "data", "memory needed"] {
                #expect(words.output.split(separator: "\n").contains { $0.dropFirst(8).hasPrefix(topic) }, "\(topic): \(words.output)")
            }
            let ranks = try runProgram(["doctor", "--json", "--threads", "1"] + Self.quick, under: ["mpirun", "-n", "2"])
            #expect(ranks.status == 0, "\(ranks.errors)")
            let lines = try ranks.output.split(separator: "\n").map { try JSONDecoder().decode(DoctorLine.self, from: Data($0.utf8)) }
            #expect(lines.contains { $0.topic == "MPI" && $0.text == "2 ranks on 1 node met and exchanged bytes" })
            #expect(lines.contains { $0.topic == "rank 1" } && lines.allSatisfy { $0.state != .broken }, "\(ranks.output)")
        }

        @Test("wrong settings, a model that is not there and a missing mpirun are broken, and end with 78", arguments: [
            (["--set", "train.stepz=3"], "did you mean 'train.steps'?"), (["--model", "nowhere", "--set", "data.train=pathsum"], "nowhere"),
            (["--set", "memory.limit=1MiB"], "memory.limit is 1 MiB for a node, but its 1 rank needs"),
        ])
        func broken(arguments: [String], words: String) throws {
            let outcome = try runProgram(["doctor"] + arguments, under: ["PATH=/usr/nothing"])
            #expect(outcome.status == 78 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("broken") }
            #expect(lines.contains { $0.contains(words) }, "\(outcome.output)")
            #expect(lines.contains { $0.contains("mpirun was not found in PATH") || $0.contains("MPI") }, "\(outcome.output)")
        }
    }
}
