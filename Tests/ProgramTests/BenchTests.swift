import Foundation
import Model
import Problems
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("bench")
    struct BenchTests {
        /// One measurement as a line says it.
        private struct Line: Decodable {
            let suite, `case`, tool, variant, metric: String
            let threads: Int
            let values, foreign, cores: [Double]
        }

        /// Settings under which every suite takes seconds.
        private static let small = [
            "BENCH_REPS=1", "BENCH_THREADS=1", "BENCH_BATCHES=2", "BENCH_PROMPT=4", "BENCH_GEN=5", "BENCH_BATCH=2", "BENCH_SEQ=8",
            "BENCH_RANK=1", "BENCH_PROMPTS=2", "BENCH_SAMPLES=2", "BENCH_STEPS=1", "BENCH_TAG=tagged",
        ]

        /// The program's own base, beside it.
        private static let base = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path

        /// What a suite measures; a line that does not parse, or has no value, is a failure.
        private func lines(
            _ arguments: [String], _ environment: [String] = [], ranks: Int = 1
        ) throws -> [Line] {
            let launcher = (ranks > 1 ? ["mpirun", "-n", "\(ranks)"] : []) + ["env"] + Self.small + environment
            let outcome = try runProgram(["bench"] + arguments + ["--json"], under: launcher)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let lines = try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            for line in lines {
                #expect(line.tool == "gfn-dist" && line.threads >= 1 && line.variant.hasSuffix("tagged"), "\(line)")
                #expect(
                    !line.values.isEmpty && line.foreign.count == line.values.count && line.cores.count == line.values.count, "\(line)")
            }
            return lines
        }

        @Test("limits: arithmetic, memory, products hot and cold, compression; no disk without a folder for it")
        func limits() throws {
            let lines = try lines(["limits"], ["BENCH_SHAPES=8x64x32 128x48x64", "BENCH_WORK="])
            #expect(Set(lines.map(\.suite)).subtracting(["peak"]) == ["memory", "gemm", "zstd"])
            #expect(lines.filter { $0.suite == "memory" }.map { "\($0.case) \($0.metric)" } == ["triad 3x256MiB GB/s", "read 256MiB GB/s"])
            let products = lines.filter { $0.suite == "gemm" }
            // bf16, fp32 and OpenBLAS each.
            #expect(products.map(\.case) == ["8x64x32", "8x64x32 cold", "128x48x64"].flatMap { [$0, $0, $0] })
            #expect(products.allSatisfy { $0.metric == "GFLOP/s" })
            #expect(lines.filter { $0.suite == "zstd" }.map(\.metric) == ["MB/s", "MB/s", "MB/s", "MB/s"])
            for line in lines where line.suite == "peak" { #expect(line.metric == "GFLOP/s" && line.variant == "registers tagged") }
        }

        /// A .npy file of a vector.
        private func numpy(_ numbers: [Float], type: String = "<f4", count: Int? = nil) -> Data {
            var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count ?? numbers.count),), }"
            header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
            return Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)) + numbers.withUnsafeBytes { Data($0) }
        }

        @Test("limits: a trained adapter is compressed beside the random one")
        func trainedAdapter() throws {
            let folder = try TemporaryFolder(), files = ["before", "after"].map { "\(folder.path)/\($0).npy" }
            let numbers = (0..<3000).map { Float($0) * 1e-3 }
            try numpy(numbers).write(to: URL(fileURLWithPath: files[0]))
            try numpy(numbers.map { $0 + 1e-3 }).write(to: URL(fileURLWithPath: files[1]))
            #expect(try NumpyVector.read(files[0]) == numbers)
            let lines = try lines(["limits"], ["BENCH_PARTS=zstd", "BENCH_LORA_A=\(files[0])", "BENCH_LORA_B=\(files[1])"])
            let cases = ["synthetic", "trained"].flatMap { name in
                ["weights", "xor"].flatMap { form in ["comp", "decomp"].map { "zstd \(name) \(form) bf16 L1 shuffled \($0) tagged MB/s" } }
            }
            #expect(lines.map { "\($0.suite) \($0.case) \($0.variant) \($0.metric)" } == cases)
        }

        @Test("limits: what is no adapter before and after a step is refused")
        func notAnAdapter() throws {
            let folder = try TemporaryFolder(), good = "\(folder.path)/good.npy", bad = "\(folder.path)/bad.npy"
            try numpy([1, 2]).write(to: URL(fileURLWithPath: good))
            for (content, sentence) in [
                (Data("no numbers at all".utf8), "is no .npy file"), (numpy([1, 2], type: "<f8"), "has other numbers"),
                (numpy([1, 2], count: 3), "has 8 bytes of numbers"), (numpy([1, 2]).prefix(50), "ends within its header"),
                (numpy([1]), "have 2 and 1 numbers"),
            ] {
                try content.write(to: URL(fileURLWithPath: bad))
                let outcome = try runProgram(
                    ["bench", "limits"], under: ["env", "BENCH_PARTS=zstd", "BENCH_RANK=1", "BENCH_LORA_A=\(good)", "BENCH_LORA_B=\(bad)"])
                #expect(
                    outcome.status == 65 && outcome.ownErrors.count == 1 && [bad, sentence].allSatisfy { outcome.errors.contains($0) },
                    "\(outcome.errors)")
            }
        }

        private static func diskCases(_ sizes: [Int]) -> [String] {
            sizes.map { "write+fsync \($0) MiB MB/s" } + ["cold read \(sizes.last ?? 0) MiB MB/s", "append 4 KiB + fsync latency_s"]
        }

        @Test("limits: files are written, read and made longer, and removed")
        func disk() throws {
            let folder = try TemporaryFolder()
            let settings = try BenchSettings(model: nil, suites: ["limits"], environment: ["BENCH_REPS": "1"])
            var measurements: [gfn_dist.Measurement] = []
            try DiskBench(settings: settings, sizes: [1, 2]).run(in: "\(folder.path)/made/here") { measurements.append($0) }
            #expect(measurements.map { "\($0.caseName) \($0.metric.text)" } == Self.diskCases([1, 2]))
            #expect(measurements.allSatisfy { $0.suite == "disk" && $0.threads == 1 && $0.values.allSatisfy { $0 > 0 } })
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/made/here").isEmpty)
            let file = try folder.write("", to: "file")
            #expect(throws: RunError.self) { try DiskBench(settings: settings, sizes: [1]).run(in: file) { _ in } }
        }

        @Test("limits: the part disk writes where BENCH_WORK says", .enabled(if: isOptimised))
        func wholeDisk() throws {
            let folder = try TemporaryFolder()
            let lines = try lines(["limits"], ["BENCH_PARTS=disk", "BENCH_WORK=\(folder.path)"])
            #expect(lines.map { "\($0.case) \($0.metric)" } == Self.diskCases([20, 500]))
        }

        @Test("as many samples are taken as are asked for, and twice as many where others keep the machine busy")
        func repetitions() throws {
            for (share, count) in [("0", 4), ("2", 2)] {
                let settings = try BenchSettings(
                    model: nil, suites: [], environment: ["BENCH_REPS": "2", "BENCH_CLEAN_SHARE": share, "BENCH_QUIET_S": "0.1"])
                var measurement = gfn_dist.Measurement(suite: "", caseName: "", variant: "", threads: 1, metric: .gigaflops)
                // Long enough for what others used to be known.
                measurement.sample(settings, work: 1) { Thread.sleep(forTimeInterval: 0.06) }
                #expect(measurement.values.count == count && measurement.foreign.allSatisfy { $0 >= 0 })
            }
        }

        @Test("decode: prompts, scores, responses to different prompts and to one")
        func decode() throws {
            let lines = try lines(["decode", "--model", Self.base])
            #expect(
                lines.map { "\($0.suite) \($0.case)" } == [
                    "prefill batch=1 tokens=64", "prefill batch=2 tokens=4", "score batch=8 tokens=64 log-probs",
                    "decode batch=2 prompt=4 gen=5", "decode batch=8 shared prompt=4 gen=5",
                ])
            #expect(lines.allSatisfy { $0.metric == "tok/s" && $0.variant == "bf16 tagged" })
            let some = try self.lines(["decode", "--model", Self.base, "--precision", "fp32"], ["BENCH_LPARTS=score"])
            #expect(some.map(\.variant) == ["fp32 tagged"])
            let both = try self.lines(["decode", "--model", Self.base], ["BENCH_LPARTS=score", "BENCH_DTYPES=fp32 bf16"])
            #expect(both.map(\.variant) == ["fp32 tagged", "bf16 tagged"])
        }

        @Test("train: texts with nothing in common, then with one prompt; what is computed again is said")
        func train() throws {
            let lines = try lines(["train"])
            let metrics = ["tok/s", "forward_s", "backward_s", "adamw_s", "peak_MiB"]
            #expect(lines.map(\.metric) == metrics + metrics)
            #expect(
                lines.map(\.case)
                    == ["batch=2 tokens=8 r=1", "batch=2 tokens=8 r=1 shared prompt=4"].flatMap { Array(repeating: $0, count: 5) })
            #expect(try self.lines(["train"], ["BENCH_CKPT=1", "BENCH_DTYPE=fp32"]).allSatisfy { $0.variant == "fp32 ckpt tagged" })
        }

        @Test("gfn: each phase's seconds, and the operations it needs and that ran")
        func step() throws {
            let lines = try lines(["gfn"], ["BENCH_MICRO=2", "BENCH_NATURAL=0"])
            let values = Dictionary(
                lines.filter { $0.suite == "gfn" }.map { ($0.metric, $0.values[0]) }, uniquingKeysWith: { first, _ in first })
            #expect(lines.filter { $0.suite == "gfn" }.allSatisfy { $0.case == "2x2 gen=5 prompt=59" })
            for phase in ["sample", "reference", "forward", "backward", "reduce", "adamw", "step"] {
                #expect(values["\(phase)_s"] != nil, "\(phase)")
            }
            // Nothing is computed twice here, so counts agree.
            for phase in ["reference", "forward", "sample"] {
                let needed = values["\(phase)_GFLOP"] ?? .nan, done = values["\(phase)_ran_GFLOP"] ?? .nan
                #expect(abs(done / needed - 1) < 1e-9, "\(phase): \(needed) needed, \(done) ran")
            }
            // The backward computes no gradient of what enters the first layer's q, k and v. A group has 69 rows.
            let width = 128, left = 69 * 2 * 3 * (width * width + width)
            let expected = (values["backward_GFLOP"] ?? .nan) - 2 * Double(left) / 1e9
            #expect(abs((values["backward_ran_GFLOP"] ?? .nan) / expected - 1) < 1e-9)
            #expect((values["new tok/s"] ?? 0) > 0 && (values["peak_MiB"] ?? 0) > 0)
        }

        @Test("sync: coding alone on one rank, the wire on two", arguments: [1, 2])
        func sync(ranks: Int) throws {
            let lines = try lines(["sync"], ranks: ranks)
            #expect(lines.map(\.metric) == ["encode_s"] + (ranks > 1 ? ["wire_s"] : []) + ["decode_s", "ratio"])
            #expect(lines.allSatisfy { $0.case == "305280 parameters, \(ranks) ranks" })
            #expect(lines.last.map { $0.values[0] > 0 && $0.values[0] < 1 } ?? false)
        }

        @Test("mpi: the exact sum beside MPI's, and a broadcast", arguments: [1, 2])
        func collectives(ranks: Int) throws {
            let lines = try lines(["mpi"], ["BENCH_SIZES_MIB=1", "BENCH_COLL_REPS=1", "BENCH_COLL_INNER=2"], ranks: ranks)
            #expect(
                lines.map { "\($0.suite) \($0.case) \($0.metric) \($0.threads)" } == [
                    "mpi 1 MiB of gradients, \(ranks) ranks ratio 1", "coll allreduce 1 MiB ranks=\(ranks) time_s \(ranks)",
                    "coll allreduce 1 MiB ranks=\(ranks) time_s \(ranks)", "coll bcast 1 MiB ranks=\(ranks) time_s \(ranks)",
                ])
            #expect(lines.allSatisfy { $0.values.count == 1 && $0.cores[0] > 0 })
        }

        @Test("startup: the embedded base, from the program's cache and without it, its file in memory and not")
        func startup() throws {
            let lines = try lines(["startup"])
            let cases = ["bf16 tagged", "bf16, base.cache=never tagged"].flatMap { variant in
                ["warm", "cold"].flatMap { state in ["total_s", "peak_MiB"].map { "\(state) weights file \(variant) \($0)" } }
            }
            #expect(lines.map { "\($0.case) \($0.variant) \($0.metric)" } == cases && lines.allSatisfy { $0.values[0] > 0 })
        }

        @Test(
            "wrong names and values are refused in one sentence",
            arguments: [
                (["limits"], "BENCH_PARTS=peak,memory", "BENCH_PARTS has an unknown part 'memory'"),
                (["limits"], "BENCH_SHAPES=8x64", "BENCH_SHAPES is '8x64', expected shapes MxKxN"),
                (["limits"], "BENCH_SHAPES=8x0x64", "BENCH_SHAPES is '8x0x64', expected shapes MxKxN"),
                (["limits"], "BENCH_PARTS=disk", "BENCH_WORK is not set; it must name a folder"),
                (["limits"], "BENCH_LORA_A=x.npy", "BENCH_LORA_B is not set; BENCH_LORA_A and BENCH_LORA_B name"),
                (["limits"], "BENCH_ZSTD_LEVELS=3", "BENCH_ZSTD_LEVELS is '3', expected 1 among them"),
                (["limits"], "BENCH_OPENBLAS=x.so", "BENCH_OPENBLAS is 'x.so', which this suite does not know"),
                (["limits"], "BENCH_QUIET_S=soon", "BENCH_QUIET_S is 'soon', expected a number from 0"),
                (["decode", "--model", "."], "BENCH_LPARTS=all", "BENCH_LPARTS has an unknown part 'all'"),
                (["decode", "--model", "."], "BENCH_SAMPLERS=none", "BENCH_SAMPLERS is 'none', expected greedy among them"),
                (["decode", "--model", "."], "BENCH_KV=F16", "BENCH_KV is 'F16', which this suite does not know"),
                (["decode", "--model", "."], "BENCH_DTYPES=fp64", "BENCH_DTYPES is 'fp64', expected fp32 or bf16"),
                (["train"], "BENCH_DTYPE=bf16 fp32", "BENCH_DTYPE has 2 names, expected one"),
                (["train"], "BENCH_DUMP=x", "BENCH_DUMP is 'x', which this suite does not know"),
                (["gfn"], "BENCH_ADAPTER=same", "BENCH_ADAPTER is 'same', which this suite does not know"),
                (["gfn"], "BENCH_MICRO=4", "BENCH_MICRO is '4', expected 8 as BENCH_SAMPLES says"),
                (["gfn"], "BENCH_NATURAL=1", "BENCH_NATURAL is '1', which this suite does not know: prompts"),
                (["mpi"], "BENCH_SIZES_MIB=0", "BENCH_SIZES_MIB is '0', expected numbers from 1"),
                (["train"], "BENCH_SEQ=1", "BENCH_SEQ is '1', expected numbers from 2"),
                (["train"], "BENCH_SEQ=65", "BENCH_SEQ is 65 tokens, more than the model's context of 64"),
                (["train"], "BENCH_CKPT=2", "BENCH_CKPT is '2', expected numbers from 0 to 1"),
                (["gfn"], "BENCH_STEPS=none", "BENCH_STEPS is 'none', expected numbers from 1"),
                (["gfn"], "BENCH_GEN=64", "BENCH_GEN is 64 tokens, which leaves no room for a prompt"),
                (["sync"], "BENCH_RANK=0", "BENCH_RANK is '0', expected numbers from 1"),
            ])
        func mistakes(arguments: [String], variable: String, sentence: String) throws {
            let outcome = try runProgram(["bench"] + arguments, under: ["env", variable])
            #expect(outcome.status == 78 && outcome.ownErrors.count == 1 && outcome.errors.contains(sentence), "\(outcome.errors)")
        }

        @Test("mistakes of the command line are refused")
        func usage() throws {
            for (arguments, sentence) in [
                (["everything"], "there is no suite 'everything'"), (["sync", "limits"], "sync is measured alone"),
                (["decode", "--base-weights", "int8"], "--base-weights is 'int8', expected blocks or bf16"),
            ] {
                let outcome = try runProgram(["bench"] + arguments)
                #expect(outcome.status == 64 && outcome.errors.contains(sentence), "\(outcome.errors)")
            }
        }

        @Test("a token of SmolLM2-135M needs 0.268959744 GFLOP forward, output matrix included, and as much again backward")
        func needs() {
            let configuration = TransformerConfiguration(
                hiddenSize: 576, intermediateSize: 1536, layerCount: 30, headCount: 9, keyValueHeadCount: 3, headSize: 64,
                vocabularySize: 49152, contextLength: 8192)
            // Rank 16 on all seven maps.
            let work = TokenWork(configuration, adapterParameters: 4_884_480)
            // 30 · (2·576² + 2·576·192 + 3·576·1536) + 576·49152 = 134,479,872 weights.
            let forward = work.forward(rows: 1, states: 1, keys: 7), backward = work.backward(rows: 1, states: 1, keys: 7)
            #expect(abs(forward.weights - 0.268959744) < 1e-15 && abs(backward.weights - 0.268959744) < 1e-15)
            #expect(abs(forward.adapters - 0.00976896) < 1e-15 && abs(backward.adapters - 0.01953792) < 1e-15)
            #expect(abs(forward.attention - 7 * 69120e-9) < 1e-15 && abs(backward.attention - 2.5 * 7 * 69120e-9) < 1e-15)
        }

        @Test("keys of a prompt of 3 and of two responses of 2 tokens: 1+2+3 and twice 4+5")
        func keys() {
            #expect(TokenWork.keys(prompt: 3, responses: 2, length: 2) == 24)
        }
    }
}
