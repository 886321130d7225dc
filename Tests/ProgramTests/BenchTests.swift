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

        @Test("limits: arithmetic, memory, products hot and cold, compression")
        func limits() throws {
            let lines = try lines(["limits"], ["BENCH_SHAPES=8x64x32 128x48x64"])
            #expect(Set(lines.map(\.suite)).isSuperset(of: ["memory", "gemm", "zstd"]))
            #expect(lines.contains { $0.suite == "memory" && $0.case == "read 256MiB" && $0.metric == "GB/s" })
            let products = lines.filter { $0.suite == "gemm" }
            // bf16, fp32 and OpenBLAS each.
            #expect(products.map(\.case) == ["8x64x32", "8x64x32 cold", "128x48x64"].flatMap { [$0, $0, $0] })
            #expect(products.allSatisfy { $0.metric == "GFLOP/s" })
            #expect(lines.filter { $0.suite == "zstd" }.map(\.metric) == ["MB/s", "MB/s"])
            for line in lines where line.suite == "peak" { #expect(line.metric == "GFLOP/s" && line.variant == "registers tagged") }
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
        }

        @Test("train: texts with nothing in common, then with one prompt; what is computed again is said")
        func train() throws {
            let lines = try lines(["train"])
            let metrics = ["tok/s", "forward_s", "backward_s", "adamw_s", "peak_MiB"]
            #expect(lines.map(\.metric) == metrics + metrics)
            #expect(
                lines.map(\.case)
                    == ["batch=2 tokens=8 r=1", "batch=2 tokens=8 r=1 shared prompt=4"].flatMap { Array(repeating: $0, count: 5) })
            #expect(try self.lines(["train"], ["BENCH_CKPT=1"]).allSatisfy { $0.variant == "bf16 ckpt tagged" })
        }

        @Test("gfn: each phase's seconds, and the operations it needs and that ran")
        func step() throws {
            let lines = try lines(["gfn"])
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

        @Test("startup: the embedded base, from the program's cache and without it")
        func startup() throws {
            let lines = try lines(["startup"])
            #expect(lines.map(\.metric) == ["total_s", "peak_MiB", "total_s", "peak_MiB"])
            #expect(lines.allSatisfy { $0.case == "warm weights file" && $0.values[0] > 0 })
            #expect(lines.last?.variant == "bf16, base.cache=never tagged")
        }

        @Test(
            "wrong names and values are refused in one sentence",
            arguments: [
                (["limits"], "BENCH_PARTS=peak,memory", "BENCH_PARTS has an unknown part 'memory'"),
                (["limits"], "BENCH_SHAPES=8x64", "BENCH_SHAPES is '8x64', expected shapes MxKxN"),
                (["limits"], "BENCH_SHAPES=8x0x64", "BENCH_SHAPES is '8x0x64', expected shapes MxKxN"),
                (["decode", "--model", "."], "BENCH_LPARTS=all", "BENCH_LPARTS has an unknown part 'all'"),
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
