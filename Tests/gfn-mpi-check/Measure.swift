import Collective

extension MPICheck {
    /// The median time of the operations that a training step waits for.
    static func measure() throws {
        let world = try MPICommunicator.start()
        func time(_ name: String, repetitions: Int, _ body: () throws -> Void) throws {
            try world.barrier()
            var durations: [Duration] = []
            for _ in 0..<repetitions { durations.append(try ContinuousClock().measure(body)) }
            durations.sort()
            if world.rank == 0 {
                print("\(name), \(world.size) ranks: median \(durations[repetitions / 2]), longest \(durations[repetitions - 1])")
            }
        }
        var numbers = [Int64](repeating: 3, count: 1 << 17)
        try time("all-reduce of 1 MiB of Int64", repetitions: 51) {
            try numbers.withUnsafeMutableBufferPointer { try world.allReduceSum($0) }
        }
        try time("all-reduce of 1 Int64", repetitions: 201) { _ = try world.sum(1) }
        try time("barrier", repetitions: 201) { try world.barrier() }
        let bytes = [UInt8](repeating: 7, count: 300_000)
        try time("broadcast of 300 kB and barrier", repetitions: 51) {
            _ = try world.startBroadcast(world.rank == 0 ? bytes : nil, root: 0).wait()
            try world.barrier()
        }
        try time("message of 300 kB to the next rank and one from the previous", repetitions: 51) {
            try world.send(bytes, to: (world.rank + 1) % world.size, tag: 0)
            _ = try world.receive(from: (world.rank + world.size - 1) % world.size, tag: 0)
        }
        try world.finish()
    }
}
