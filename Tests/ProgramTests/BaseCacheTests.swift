import Foundation
import Model
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("The packed base in files")
    struct BaseCache {
        private static let sampling = ["pathsum", "--limit", "6", "--samples-per-problem", "2", "--set"]

        private func files(_ folder: TemporaryFolder, ending suffix: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(suffix) }
        }

        @Test("four ranks that start at once, in two jobs, make one file and sample the same")
        func jobs() throws {
            let cache = try TemporaryFolder()
            let expected = try sample(Self.sampling + ["base.cache=never"])
            let launcher = ["GFN_CACHE=\(cache.path)", "mpirun", "-n", "4"]
            let arguments = ["sample", "--quiet"] + Self.sampling + ["base.cache=always"]
            let jobs = try (0..<2).map { _ in try Program(arguments, under: launcher) }
            for job in jobs {
                let outcome = try job.outcome()
                #expect(outcome.status == 0 && outcome.output == expected && outcome.errors.isEmpty)
            }
            #expect(try files(cache, ending: ".forward").count == 1 && files(cache, ending: ".transposed").isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).filter { $0.contains("partial") }.isEmpty)
        }

        @Test("a run whose ranks map the base has the bytes of one whose ranks pack it")
        func training() throws {
            let cache = try TemporaryFolder()
            func digest(_ setting: String) throws -> String {
                let folder = try TemporaryFolder()
                let outcome = try runProgram(
                    [
                        "train", "--quiet", "--output", "\(folder.path)/run", "--set", "train.steps=3", "--set", "evaluate.problems=1",
                        "--set", "base.cache=\(setting)", "--set", "train.prompts_per_step=2",
                    ], under: ["GFN_CACHE=\(cache.path)", "mpirun", "-n", "3"])
                #expect(outcome.status == 0, "\(outcome.errors)")
                return try String(contentsOfFile: "\(folder.path)/run/adapter/adapter_model.safetensors", encoding: .isoLatin1)
            }
            let expected = try digest("never")
            #expect(try digest("always") == expected && digest("always") == expected)
            #expect(try files(cache, ending: ".forward").count == 1 && files(cache, ending: ".transposed").count == 1)
        }

        @Test("one that is asked for and has no folder is refused; one that would only be of use is not")
        func homeless() throws {
            let nobody = ["-u", "GFN_CACHE", "-u", "XDG_CACHE_HOME", "-u", "HOME"]
            let refused = try runProgram(["sample", "--quiet"] + Self.sampling + ["base.cache=always"], under: nobody)
            #expect(refused.status == 78 && refused.output.isEmpty && refused.errors.contains("set GFN_CACHE"), "\(refused.errors)")
            #expect(try runProgram(["sample", "--quiet"] + Self.sampling + ["base.cache=auto"], under: nobody).status == 0)
        }

        @Test("where the disk takes no more, the base is packed in memory, a sentence says so, and nothing half-made stays")
        func full() throws {
            let cache = try TemporaryFolder()
            let outcome = try runProgram(
                ["sample", "--quiet"] + Self.sampling + ["base.cache=always"],
                under: ["GFN_CACHE=\(cache.path)", "bash", "-c", "ulimit -f 64 && exec \"$@\"", "bash"])
            #expect(outcome.status == 0)
            #expect(try outcome.output == sample(Self.sampling + ["base.cache=never"]))
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count == 1 && lines[0].contains(".forward could not be written") && lines[0].contains("in memory"))
            #expect(try files(cache, ending: ".forward").isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).filter { $0.contains("partial") }.isEmpty)
        }

        @Test("the folder is GFN_CACHE, or one in XDG's, which must be absolute, or one at home")
        func folder() {
            #expect(PackedCache.folder(["GFN_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/a")
            #expect(PackedCache.folder(["GFN_CACHE": "", "XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/b/gfn-dist")
            #expect(PackedCache.folder(["XDG_CACHE_HOME": "b", "HOME": "/c"]) == "/c/.cache/gfn-dist")
            #expect(PackedCache.folder([:]) == nil)
        }
    }
}
