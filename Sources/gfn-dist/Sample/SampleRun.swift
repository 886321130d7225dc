internal import Collective
internal import Foundation

/// `sample` on rank 0: hands problems out to whoever is free, itself included, and writes what comes back in order.
///
///     rank 0                                             every other rank
///     an order for each rank that is free ── order ────▶ samples the problems of its order
///     samples an order of its own;                       looks for the end of the run after every layer
///     after every layer, takes in reports ◀─ report ──── and is free again
///
/// A problem's lines do not depend on the rank that samples it, nor on what is sampled with it, so that neither ranks nor threads
/// change a byte of what is written. Every order is reported once, also when the run ends early: nobody is left with an unread message.
final class SampleLead {
    private let communicator: any Communicator
    private let plan: SamplePlan
    private let sampler: ProblemSampler
    private let writer: SampleWriter
    private var schedule: SampleSchedule
    private var progress: SampleProgress
    /// Ranks without an order, in the order in which they will get one; and the orders of the others.
    private var free: [Int]
    private var orders: [Int: Range<Int>] = [:]

    init(_ work: SampleWork, to output: SampleOutput, _ communicator: any Communicator, quiet: Bool) throws {
        self.communicator = communicator
        plan = work.plan
        sampler = ProblemSampler(work)
        writer = try SampleWriter(output, work)
        schedule = SampleSchedule(plan, startingAt: writer.firstProblem, ranks: communicator.size)
        progress = SampleProgress(plan, startingAt: writer.firstProblem, quiet: quiet)
        free = Array(1..<max(1, communicator.size))
        if writer.linesThere > 0 { progress.say("sample: \(writer.linesThere) of \(plan.lineCount) lines are there already") }
    }

    /// From the first problem to the last.
    func run() throws {
        while !schedule.isComplete {
            try serve()
            if let problems = schedule.takeOrder() {
                schedule.put(try sampler.sample(problems, poll: { try serve() }), of: problems)
                try write()
            } else if !schedule.isComplete {
                // All that is not written is with the others.
                try take(try communicator.receiveAny(tag: SampleReport.tag))
            }
        }
        try writer.finish()
        progress.finish()
    }

    /// Between two layers: takes in what has come, and gives the ranks that are free something to do.
    private func serve() throws {
        communicator.poll()
        if SignalFlags.stopRequested != nil { throw writer.interrupted(after: schedule.written) }
        while let message = try communicator.receiveArrived(tag: SampleReport.tag) { try take(message) }
        while let rank = free.first, let problems = schedule.takeOrder() {
            free.removeFirst()
            orders[rank] = problems
            try communicator.send(SampleOrder.sample(problems).encoded(), to: rank, tag: SampleOrder.tag)
        }
    }

    private func take(_ message: ReceivedMessage) throws {
        let report = try SampleReport(message.bytes)
        let order = orders.removeValue(forKey: message.source) ?? 0..<0
        switch report {
        case .done(let results):
            guard results.count == order.count else {
                throw ByteReaderError.value(results.count, expected: order.count...order.count, offset: 0)
            }
            free.append(message.source)
            schedule.put(results, of: order)
            try write()
        case .failed(let failure): throw failure
        case .interrupted, .givenUp: throw writer.interrupted(after: schedule.written)
        }
    }

    private func write() throws {
        while let problem = schedule.takeResult() {
            try writer.write(problem)
            progress.add(problem, done: schedule.written)
        }
    }

    /// Waits until every order is reported, whatever the report says.
    func drain() throws {
        while !orders.isEmpty { orders[try communicator.receiveAny(tag: SampleReport.tag).source] = nil }
    }
}

/// `sample` on one rank.
struct SampleRun {
    let work: SampleWork
    let communicator: any Communicator

    /// Rank 0. An error ends all ranks: it is theirs as well.
    func lead(to output: SampleOutput, quiet: Bool) throws {
        var lead: SampleLead?
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
        let sampler = ProblemSampler(work)
        while true {
            switch try SampleOrder(communicator.receive(from: 0, tag: SampleOrder.tag)) {
            case .sample(let problems):
                let report = try report(on: problems, sampler)
                try communicator.send(report.encoded(), to: 0, tag: SampleReport.tag)
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

    private func report(on problems: Range<Int>, _ sampler: ProblemSampler) throws -> SampleReport {
        do {
            return .done(try sampler.sample(problems, poll: poll))
        } catch Stop.signal {
            return .interrupted
        } catch Stop.failure(let failure) {
            try communicator.send(SampleReport.givenUp.encoded(), to: 0, tag: SampleReport.tag)
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
