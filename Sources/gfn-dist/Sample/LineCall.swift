internal import Collective
internal import Foundation

/// One call of a command that writes lines of problems, from opening its work to a whole file.
struct LineCall {
    /// Nil: standard output.
    let output: String?
    let quiet: Bool

    /// Works with all ranks. Collective over processes; gives what was worked with.
    ///
    /// - Parameters:
    ///   - resuming: goes on behind the lines that are there.
    ///   - work: what every process opens.
    /// - Returns: nil: with `resuming`, the file is complete already.
    func perform<Work: LineWork>(resuming: Bool, _ launch: Launch, on work: () throws -> Work) throws -> Work? {
        var target: SampleOutput?
        let state = try launch.decidedByFirst {
            target = try SampleOutput.open(output, resuming: resuming)
            return target == nil ? "complete" : "open"
        }
        guard state == "open" else { return nil }
        do { return try write(try launch.together(work), to: target, launch) } catch {
            target?.removeIfEmpty()
            throw error
        }
    }

    /// - Parameter target: on the first process.
    private func write<Work: LineWork>(_ work: Work, to target: SampleOutput?, _ launch: Launch) throws -> Work {
        if launch.isFirst, !quiet {
            for note in work.notes { writeToStandardError("\(Work.command): \(note.printable(limit: 1000))\n") }
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
