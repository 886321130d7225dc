internal import Collective

/// Lines of problems on one rank: the samples of `sample`, or the labels of `reward`.
///
///     rank 0 (`SampleLead`)                              every other rank
///     an order for each rank that is free ── order ────▶ makes the lines of its order
///     makes an order of its own;                         looks for the end of the run after every layer
///     after every layer, takes in reports ◀─ report ──── and is free again
///
/// A problem's lines do not depend on the rank that makes them, nor on what is made with them, so that neither ranks nor threads
/// change a byte of what is written. Every order is reported once, also when the run ends early: nobody is left with an unread message.
struct SampleRun<Work: LineWork> {
    private typealias Report = SampleReport<Work.Maker.Lines>

    let work: Work
    let communicator: any Communicator

    /// Rank 0. An error ends all ranks: it is theirs as well.
    func lead(to output: SampleOutput, quiet: Bool) throws {
        var lead: SampleLead<Work>?
        do {
            lead = try SampleLead(work, to: output, communicator, quiet: quiet)
            try lead?.run()
        } catch {
            if error is CollectiveError { throw error }
            let failure = Launch.SharedFailure(code: ExitCode.of(error), text: "\(error)")
            try tellOthers(.fail(failure))
            try lead?.drain()
            throw failure
        }
        try tellOthers(.end)
    }

    /// The other ranks: as rank 0 says.
    func follow() throws {
        let maker = work.maker()
        while true {
            switch try SampleOrder(communicator.receive(from: 0, tag: SampleOrder.tag)) {
            case .sample(let problems):
                let report = try report(on: problems, maker)
                try communicator.send(report.encoded(), to: 0, tag: Report.tag)
            case .end: return
            case .fail(let failure): throw failure
            }
        }
    }

    /// Why an order is not carried out to its end.
    private enum Stop: Error {
        case signal
        case failure(Launch.SharedFailure)
    }

    private func report(on problems: Range<Int>, _ maker: Work.Maker) throws -> Report {
        do {
            return .done(try maker.lines(of: problems, poll: poll))
        } catch Stop.signal {
            return .interrupted
        } catch Stop.failure(let failure) {
            try communicator.send(Report.givenUp.encoded(), to: 0, tag: Report.tag)
            throw failure
        } catch {
            if error is CollectiveError { throw error }
            return .failed(Launch.SharedFailure(code: ExitCode.of(error), text: "\(error)"))
        }
    }

    /// While an order is under way, the one thing that rank 0 may say is that the run ended.
    private func poll() throws {
        communicator.poll()
        if SignalFlags.stopRequested != nil { throw Stop.signal }
        guard let message = try communicator.receiveArrived(tag: SampleOrder.tag) else { return }
        guard case .fail(let failure) = try SampleOrder(message.bytes) else { return }
        throw Stop.failure(failure)
    }

    private func tellOthers(_ order: SampleOrder) throws {
        let bytes = order.encoded()
        for rank in 0..<communicator.size where rank != 0 { try communicator.send(bytes, to: rank, tag: SampleOrder.tag) }
    }
}
