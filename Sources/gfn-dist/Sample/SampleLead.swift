internal import Collective

/// Rank 0 of `SampleRun`: hands problems out to whoever is free, itself included, and writes what comes back in order.
final class SampleLead<Work: LineWork> {
    private typealias Report = SampleReport<Work.Maker.Lines>

    private let communicator: any Communicator
    private let maker: Work.Maker
    private let writer: SampleWriter<Work.Maker.Lines>
    private var schedule: SampleSchedule<Work.Maker.Lines>
    private var progress: Work.Progress
    /// Ranks without an order, in the order in which they will get one; and the orders of the others.
    private var free: [Int]
    private var orders: [Int: Range<Int>] = [:]

    init(_ work: Work, to output: SampleOutput, _ communicator: any Communicator, quiet: Bool) throws {
        self.communicator = communicator
        maker = work.maker()
        writer = try SampleWriter(output, work)
        schedule = SampleSchedule(
            problemCount: work.problemCount, problemsAtOnce: work.problemsAtOnce, startingAt: writer.firstProblem,
            ranks: communicator.size)
        progress = work.progress(startingAt: writer.firstProblem, quiet: quiet)
        free = Array(1..<max(1, communicator.size))
        if writer.linesThere > 0 { progress.resume(behind: writer.linesThere) }
    }

    /// From the first problem to the last.
    func run() throws {
        while !schedule.isComplete {
            try serve()
            if let problems = schedule.takeOrder() {
                schedule.put(try maker.lines(of: problems, poll: { try serve() }), of: problems)
                try write()
            } else if !schedule.isComplete {
                // All that is not written is with the others.
                try take(try communicator.receiveAny(tag: Report.tag))
            }
        }
        try writer.finish()
        progress.finish()
    }

    /// Between two layers: takes in what has come, and gives the ranks that are free something to do.
    private func serve() throws {
        communicator.poll()
        if SignalFlags.stopRequested != nil { throw writer.interrupted(after: schedule.written) }
        while let message = try communicator.receiveArrived(tag: Report.tag) { try take(message) }
        while let rank = free.first, let problems = schedule.takeOrder() {
            free.removeFirst()
            orders[rank] = problems
            try communicator.send(SampleOrder.sample(problems).encoded(), to: rank, tag: SampleOrder.tag)
        }
    }

    private func take(_ message: ReceivedMessage) throws {
        let report = try Report(message.bytes)
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
        let before = schedule.written
        while let problem = schedule.takeResult() {
            try writer.write(problem)
            progress.add(problem)
        }
        // Once for all problems that came together: in the middle, the time would be that of more than was counted.
        if schedule.written > before { progress.show(done: schedule.written) }
    }

    /// Waits until every order is reported, whatever the report says.
    func drain() throws {
        while !orders.isEmpty { orders[try communicator.receiveAny(tag: Report.tag).source] = nil }
    }
}
