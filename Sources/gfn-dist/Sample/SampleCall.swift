internal import Collective
internal import Foundation

/// One call of `sample`, from settings to a whole file.
struct SampleCall {
    let configuration: RunConfiguration
    /// In the order of the lines.
    let temperatures: [Double]
    /// Nil: standard output.
    let output: String?
    let quiet: Bool

    /// Samples with all ranks. Collective over processes; gives what was sampled with.
    ///
    /// - Parameter resuming: goes on behind the lines that are there.
    /// - Returns: nil: with `resuming`, the file is complete already.
    func perform(resuming: Bool, _ launch: Launch) throws -> SampleWork? {
        var target: SampleOutput?
        let state = try launch.decidedByFirst {
            target = try SampleOutput.open(output, resuming: resuming)
            return target == nil ? "complete" : "open"
        }
        guard state == "open" else { return nil }
        do { return try sample(to: target, launch) } catch {
            target?.removeIfEmpty()
            throw error
        }
    }

    /// - Parameter target: on the first process.
    private func sample(to target: SampleOutput?, _ launch: Launch) throws -> SampleWork {
        let work = try launch.together {
            try SampleWork(configuration, temperatures: temperatures, ranksOnNode: launch.ranksOnNode)
        }
        if launch.isFirst, !quiet {
            for note in work.notes { writeToStandardError("sample: \(note.printable(limit: 1000))\n") }
        }
        let quiet = quiet
        try launch.everyRank { communicator in
            let run = SampleRun(work: work, communicator: communicator)
            guard communicator.rank == 0, let target else { return try run.follow() }
            try run.lead(to: target, quiet: quiet)
        }
        return work
    }
}
