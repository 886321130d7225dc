internal import Collective
internal import Learner
internal import Tensor

/// What the exact reduction of gradients costs beside MPI's own sum of floats, which takes turns with it: the slowest rank's time of one
/// divided by that of the other, after a barrier each.
struct ReductionBench {
    let settings: BenchSettings
    let ranks: any Communicator

    /// Collective over all ranks; `report` is called on the first.
    func run(report: (Measurement) -> Void) throws {
        for mebibytes in [1, 20, 100] {
            let count = mebibytes << 18
            var random = RandomStream(seed: 0, purpose: .task, slot: ranks.rank)
            let gradient = FloatTensor((0..<count).map { _ in random.uniform() - 0.5 }, shape: Shape(count))
            var floats = gradient.array
            let sum = FloatTensor(count)
            var reduction = GradientReduction(count: count)
            reduction.begin()
            reduction.add(gradient.base, slot: ranks.rank)
            var ratio = Measurement(
                suite: "mpi", caseName: "\(mebibytes) MiB of gradients, \(ranks.size) ranks", variant: "exact / MPI's float sum",
                threads: 1, metric: .ratio)
            // The first round is not counted: buffers are made in it.
            for round in 0...max(9, settings.repetitions) {
                let meter = LoadMeter()
                let exact = try timed { _ = try reduction.finish(over: ranks, into: sum.base) }
                let plain = try timed { try floats.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) } }
                if round > 0 { ratio.add(exact / plain, meter.read()) }
            }
            if ranks.rank == 0 { report(ratio) }
        }
    }

    /// Seconds of the slowest rank.
    private func timed(_ body: () throws -> Void) throws -> Double {
        try ranks.barrier()
        var watch = StopWatch()
        try body()
        return Double(try ranks.maximum(Int64(watch.lap() * 1e9))) * 1e-9
    }
}
