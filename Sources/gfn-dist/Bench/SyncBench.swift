internal import Collective
internal import Learner
internal import Tensor

/// What it takes to give a new version of an adapter to all ranks: its coding against the version before, the wire, and the decoding; and
/// its size as a part of plain bf16's. On one rank there is no wire.
struct SyncBench {
    let settings: BenchSettings
    let ranks: any Communicator

    /// Collective over all ranks; `report` is called on the first. Throws `CollectiveError`, and when what arrives cannot be read.
    func run(report: (Measurement) -> Void) throws {
        let versions = AdapterVersions(rank: settings.rank), compression = Compression()
        let count = versions.after.count
        func measurement(_ metric: Measurement.Metric) -> Measurement {
            Measurement(
                suite: "sync", caseName: "\(count) parameters, \(ranks.size) ranks", variant: settings.variant("bf16 delta"), threads: 1,
                metric: metric)
        }
        var encode = measurement(.seconds("encode")), wire = measurement(.seconds("wire")), decode = measurement(.seconds("decode"))
        var ratio = measurement(.ratio)
        // The first round is not counted: buffers are made in it.
        for round in 0...settings.repetitions {
            let meter = LoadMeter()
            var message: [UInt8]?, size = 0.0
            let encoding = try timed {
                guard ranks.rank == 0 else { return }
                let encoded = WeightCoding.encode(
                    bits: versions.after, version: 2, against: (bits: versions.before, version: 1), using: compression)
                size = Double(encoded.compressedBytes) / Double(encoded.rawBytes)
                message = MessageFrame(kind: FrameKind.weights, version: FrameKind.version, payload: encoded.payload).encoded()
            }
            var arrived = message ?? []
            let sending = try timed {
                if ranks.size > 1 { arrived = try ranks.startBroadcast(message, root: 0).wait() }
            }
            let decoding = try timed {
                guard ranks.rank > 0 || ranks.size == 1 else { return }
                let frame = try MessageFrame.decode(arrived)
                let decoded = try WeightCoding.decode(
                    frame.payload, having: (bits: versions.before, version: 1), count: count, using: compression)
                precondition(decoded.bits == versions.after, "weights did not arrive as they were sent")
            }
            let reading = try meter.read(over: ranks)
            if round == 0 { continue }
            encode.add(encoding, reading)
            wire.add(sending, reading)
            decode.add(decoding, reading)
            ratio.add(size, reading)
        }
        guard ranks.rank == 0 else { return }
        report(encode)
        if ranks.size > 1 { report(wire) }
        report(decode)
        report(ratio)
    }

    /// Seconds of the slowest rank.
    private func timed(_ body: () throws -> Void) throws -> Double {
        try ranks.barrier()
        var watch = StopWatch()
        try body()
        return Double(try ranks.maximum(Int64(watch.lap() * 1e9))) * 1e-9
    }
}
