internal import Collective

extension LoadMeter {
    /// The same over all ranks: what they all used is their own. Collective; throws `CollectiveError`.
    func read(over ranks: any Communicator) throws -> Reading {
        let own = Int64(ownSecondsSoFar * 1e6)
        var sum = [own]
        try sum.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) }
        return read(children: Double(sum[0] - own) * 1e-6)
    }
}
