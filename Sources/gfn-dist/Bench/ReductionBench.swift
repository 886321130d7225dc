internal import Collective
internal import Learner
internal import Tensor

/// What the exact reduction of gradients costs beside MPI's own sum of floats, which takes turns with it: the slowest rank's time of each,
/// after a barrier, and the one divided by the other. And a broadcast of as many bytes.
struct ReductionBench {
    let settings: BenchSettings
    let ranks: any Communicator

    /// Collective over all ranks; `report` is called on the first.
    func run(report: (Measurement) -> Void) throws {
        for mebibytes in settings.sizes {
            let count = mebibytes << 18
            var random = RandomStream(seed: 0, purpose: .task, slot: ranks.rank)
            let gradient = FloatTensor((0..<count).map { _ in random.uniform() - 0.5 }, shape: Shape(count))
            var floats = gradient.array
            let sum = FloatTensor(count), bytes = ranks.rank == 0 ? [UInt8](repeating: 1, count: 4 * count) : nil
            var reduction = GradientReduction(count: count)
            reduction.begin()
            reduction.add(gradient.base, slot: ranks.rank)
            var ratio = Measurement(
                suite: "mpi", caseName: "\(mebibytes) MiB of gradients, \(ranks.size) ranks",
                variant: settings.variant("exact / MPI's float sum"), threads: 1, metric: .ratio)
            func seconds(_ what: String, _ variant: String) -> Measurement {
                Measurement(
                    suite: "coll", caseName: "\(what) \(mebibytes) MiB ranks=\(ranks.size)", variant: settings.variant(variant),
                    threads: ranks.size, metric: .seconds("time"))
            }
            var exact = seconds("allreduce", "exact"), plain = seconds("allreduce", "MPI's float sum")
            var broadcast = seconds("bcast", "broadcast")
            let calls = settings.collectiveCalls(mebibytes)
            // The first round is not counted: buffers are made in it.
            for round in 0...max(settings.collectiveRepetitions, settings.repetitions) {
                let (byProgram, load) = try timed(calls) { _ = try reduction.finish(over: ranks, into: sum.base) }
                let (byMPI, plainLoad) = try timed(calls) { try floats.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) } }
                let (sending, sendingLoad) = try timed(calls) { _ = try ranks.startBroadcast(bytes, root: 0).wait() }
                if round == 0 { continue }
                exact.add(byProgram, load)
                plain.add(byMPI, plainLoad)
                ratio.add(byProgram / byMPI, load)
                broadcast.add(sending, sendingLoad)
            }
            if ranks.rank == 0 { [ratio, exact, plain, broadcast].forEach(report) }
        }
    }

    /// Seconds of a call, of the slowest rank.
    private func timed(_ calls: Int, _ body: () throws -> Void) throws -> (seconds: Double, LoadMeter.Reading) {
        try ranks.barrier()
        let meter = LoadMeter()
        var watch = StopWatch()
        for _ in 0..<calls { try body() }
        let seconds = Double(try ranks.maximum(Int64(watch.lap() * 1e9))) * 1e-9 / Double(calls)
        return (seconds, try meter.read(over: ranks))
    }
}
