internal import ArgumentParser
internal import CVersion
internal import Foundation
internal import Tensor

@main
struct GFNDist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gfn-dist",
        abstract: "GFlowNet fine-tuning of Llama-type language models on CPU nodes, over MPI.",
        discussion: """
            With no arguments, `gfn-dist train` trains the embedded demonstration: a small model that \
            learns to give many different correct solutions of an arithmetic task.
            """,
        version: versionText,
        subcommands: [
            TrainCommand.self, SampleCommand.self, EvaluateCommand.self, ScoreCommand.self, RewardCommand.self, TokenizeCommand.self,
            VerifyCommand.self, ExportCommand.self, ReportCommand.self, WatchCommand.self, ReplayCommand.self, ExplainCommand.self,
            PlanCommand.self, InspectCommand.self, DoctorCommand.self, BenchCommand.self, MakeModelCommand.self,
        ])

    static var versionText: String {
        "\(BuildVersion.text), kernels \(KernelFamily.current.rawValue)"
    }

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error)
            leaveItToFirstRank(code.rawValue)
            guard code == .validationFailure else { exit(withError: error) }
            let names = configuration.subcommands.compactMap { $0.configuration.commandName }
            let text = UsageHint.improved(fullMessage(for: error), words: Array(CommandLine.arguments.dropFirst()), commands: names)
            // Who reads a job's log looks for one word, whatever went wrong.
            writeToStandardError((text.hasPrefix("Error: ") ? "gfn-dist: \(text.dropFirst("Error: ".count))" : text) + "\n")
            Foundation.exit(code.rawValue)
        }
    }

    /// Help and errors of usage are the same on all ranks, before MPI has begun: the first rank says them, the others
    /// only end. They wait where the launcher would end the job, and the first rank with it, at the first failure.
    private static func leaveItToFirstRank(_ code: Int32) {
        let environment = ProcessInfo.processInfo.environment
        let rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap { environment[$0] }.first
        guard let rank, rank != "0" else { return }
        if code != 0 { sleep(2) }
        Foundation.exit(code)
    }
}

/// Which program this is.
enum BuildVersion {
    static let number = "0.1.0"
    /// Of the source, as `git describe` names it; "unknown" where the build was not told.
    static let commit = String(cString: gfn_commit())
    /// What `--version`, runs and checkpoints say.
    static let text = "gfn-dist \(number), commit \(commit)"
}
