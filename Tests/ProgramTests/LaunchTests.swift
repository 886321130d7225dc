import Foundation
import Testing

extension ProgramTests {
    @Suite("is one run, and the only one in its folder")
    struct OneRun {
        private static let short = Settings.standard.with(["train.steps": "1", "evaluate.problems": "1"]).arguments

        @Test("tasks that MPI did not join are refused before anything is written", arguments: [
            ["SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=0", "SLURM_STEP_ID=0"], ["PMI_SIZE=2", "PMI_RANK=0"],
            ["PMIX_RANK=1", "PMIX_NAMESPACE=job"],
            ["MV2_COMM_WORLD_SIZE=2", "MV2_COMM_WORLD_RANK=0"], ["PALS_RANKID=1"],
        ])
        func unjoined(environment: [String]) throws {
            let folder = try TemporaryFolder()
            for command in [["train", "--output", "run"] + Self.short, ["score", "none.jsonl", "--model", "none"]] {
                let outcome = try runProgram(command, under: environment, in: folder.path)
                #expect(outcome.status == 78)
                #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("mpirun -n"), "\(outcome.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run"))
        }

        @Test("the first of several tasks speaks for them")
        func othersAreSilent() throws {
            let outcome = try runProgram(["train"] + Self.short, under: ["SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=1", "SLURM_STEP_ID=0"])
            #expect(outcome.status == 78)
            #expect(outcome.errors.isEmpty)
        }

        private static let allocations = [
            ["SLURM_NTASKS=8", "SLURM_STEP_NUM_TASKS=8", "SLURM_PROCID=0", "SLURM_STEP_ID=4294967290"],
            ["SLURM_NTASKS=8", "SLURM_PROCID=0"],
        ]

        @Test("a shell in an allocation, mpirun in a step, and --single are not refused", arguments: cases(allocations, inDebugEach: 2))
        func allocation(environment: [String]) throws {
            let step = ["SLURM_STEP_NUM_TASKS=8", "SLURM_PROCID=0", "SLURM_STEP_ID=0"]
            let foreign = ["PMI_SIZE=2", "PMI_RANK=0"]
            let starts = [([], environment), (["--single"], step), (["--single"], foreign), ([], step + ["mpirun", "-n", "2"])]
            for (arguments, launcher) in starts {
                let outcome = try runProgram(["train"] + arguments + Self.short, under: launcher)
                #expect(outcome.status == 0, "\(launcher): \(outcome.errors)")
            }
        }

        @Test("a second run in the folder is refused until the first ends, however it ends", arguments: [Layout.single(2), .mpirun(2)])
        func locked(layout: Layout) throws {
            let folder = try TemporaryFolder()
            let files = RunFiles(path: "\(folder.path)/run")
            let settings = Settings.standard.with(["train.steps": "100000"])
            let program = try Program(train: settings.arguments + ["--quiet", "--output", files.path], on: layout)
            try program.reaches("a checkpoint") { files.latest != nil }
            var processes = [program.identifier]
            if case .mpirun(let ranks) = layout { processes += try program.rankProcesses(ranks) }
            defer { for process in processes { kill(process, SIGKILL) } }

            for other in [Layout.single(1), .mpirun(2)] {
                let outcome = try Program(train: ["--resume", "--output", files.path], on: other).outcome()
                #expect(outcome.status == 78)
                let owner = processes.count > 1 ? processes[1] : processes[0]
                #expect(outcome.ownErrors.count == 1 && outcome.errors.contains("process \(owner) on "), "\(outcome.errors)")
                #expect(program.isRunning)
            }
            for process in processes { kill(process, SIGKILL) }
            #expect(try program.outcome().status == SIGKILL)
            #expect(holds(within: .seconds(10)) { processes.allSatisfy { kill($0, 0) != 0 } })
            // A few steps more: there is no need for the end of so many.
            let step = try #require(files.latest.flatMap { Int($0.dropFirst("step-".count)) })
            let outcome = try Program(
                train: ["--resume", "--output", files.path, "--force", "--set", "train.steps=\(step + 4)"], on: .single(1)).outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        @Test("runs that begin at the same moment without a name have folders of their own")
        func sameMoment() throws {
            let folder = try TemporaryFolder()
            let programs = try (0..<4).map { _ in try Program(["train", "--quiet"] + Self.short, in: folder.path) }
            for program in programs { #expect(try program.outcome().status == 0) }
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/runs").sorted()
            #expect(names == ["pathsum", "pathsum-2", "pathsum-3", "pathsum-4"])
            for name in names { try RunFiles(path: "\(folder.path)/runs/\(name)").expectEveryStepOnce(1) }
        }

        @Test("of runs that begin at the same moment in a named folder one goes on")
        func sameName() throws {
            let folder = try TemporaryFolder()
            let programs = try (0..<3).map { _ in try Program(["train", "--quiet", "--output", "run"] + Self.short, in: folder.path) }
            #expect(try programs.map { try $0.outcome().status }.sorted() == [0, 78, 78])
            try RunFiles(path: "\(folder.path)/run").expectEveryStepOnce(1)
        }
    }
}
