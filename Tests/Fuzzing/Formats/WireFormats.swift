internal import Collective
internal import Model
internal import Problems
internal import Rollout

/// One message in a file named "message".
private func message(_ bytes: [UInt8], _ changes: [String]) -> Mutant { Mutant(files: ["message": bytes], changes: changes) }

extension Mutant {
    fileprivate var message: [UInt8] { files["message"] ?? [] }
}

extension ByteMutator {
    /// Damages a frame from outside, or its payload under a frame that is right.
    package func mutateFrame(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> [String] {
        var changes: [String] = []
        var frame: MessageFrame?
        do throws(MessageFrameError) { frame = try MessageFrame.decode(bytes) } catch { frame = nil }
        let isInside = random.chance(0.85)
        for _ in 0..<random.length(atMost: 3) {
            if isInside, var payload = frame?.payload {
                changes.append("payload: " + mutate(&payload, using: &random))
                frame?.payload = payload
            } else {
                changes.append(mutate(&bytes, using: &random))
            }
        }
        if isInside, let frame { bytes = frame.encoded() }
        return changes
    }
}

/// The envelope of all messages between ranks.
struct FrameFormat: FuzzFormat {
    let name = "frame"
    private let base: [[UInt8]] = [
        MessageFrame(kind: 20, version: 1, payload: []).encoded(),
        MessageFrame(kind: 20, version: 1, payload: Array(0..<200)).encoded(),
        MessageFrame(kind: 17, version: 1, payload: Array(repeating: 7, count: 4000)).encoded(),
    ]

    func mutant(using random: inout FuzzRandom) -> Mutant {
        var bytes = random.pick(base)
        let mutator = ByteMutator(donors: base)
        let changes = (0..<random.length(atMost: 3)).map { _ in mutator.mutate(&bytes, using: &random) }
        return message(bytes, changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let limited = Result { () throws(MessageFrameError) in try MessageFrame.decode(mutant.message, limit: 1000) }
        let frame = try MessageFrame.decode(mutant.message)
        try BrokenInvariant.unless(frame.encoded() == mutant.message, "the frame is not what it was read from")
        if frame.payload.count > 1000, case .success = limited { throw BrokenInvariant("a payload of \(frame.payload.count) passed a limit of 1000") }
    }

    func isRefusal(_ error: any Error) -> Bool { error is MessageFrameError }
}

/// bf16 weights, in full and as changes, compressed.
struct WeightsFormat: FuzzFormat {
    let name = "weights"
    private let previous: WeightCoding.Versioned
    private let base: [[UInt8]]

    init() {
        var random = FuzzRandom(seed: 1, format: "weights", number: 0)
        let bits = (0..<5000).map { _ in UInt16(truncatingIfNeeded: random.next()) & 0x0FFF | 0x3000 }
        let next = bits.map { random.chance(0.05) ? $0 ^ 3 : $0 }
        previous = (bits, 4)
        base = [WeightCoding.encode(bits: next, version: 5).payload, WeightCoding.encode(bits: next, version: 5, against: previous).payload]
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        if random.chance(0.3) {
            // Whole in itself, with other weights or for another version.
            var bits = previous.bits
            for _ in 0..<random.length(atMost: 50) { bits[random.below(bits.count)] = UInt16(truncatingIfNeeded: random.next()) }
            if random.chance(0.2) { bits.removeLast(random.length(atMost: bits.count)) }
            func version() -> Int {
                Int(truncatingIfNeeded: InterestingNumbers.pick(near: 4, size: bits.count, remaining: 4, using: &random))
            }
            let (new, old) = (version(), random.chance(0.7) ? previous.version : version())
            let encoded = random.chance(0.5)
                ? WeightCoding.encode(bits: bits, version: new) : WeightCoding.encode(bits: bits, version: new, against: (previous.bits, old))
            return message(encoded.payload, ["\(bits.count) weights of version \(new), against \(encoded.base ?? -1)"])
        }
        var bytes = random.pick(base)
        let mutator = ByteMutator(donors: base)
        let changes = (0..<random.length(atMost: 3)).map { _ in
            random.chance(0.3)
                ? mutator.writeNumber(&bytes, at: 8 * random.below(min(5, max(1, bytes.count / 8))), width: 8, using: &random)
                : mutator.mutate(&bytes, using: &random)
        }
        return message(bytes, changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let (bits, version) = try WeightCoding.decode(mutant.message, having: previous, count: previous.bits.count)
        let again = try WeightCoding.decode(WeightCoding.encode(bits: bits, version: version).payload, having: nil)
        try BrokenInvariant.unless(again.bits == bits && again.version == version, "written and read again the weights differ")
    }

    func isRefusal(_ error: any Error) -> Bool { error is WeightCodingError }
}

/// A zstd frame, of which the receiver knows how many bytes it expects.
struct CompressionFormat: FuzzFormat {
    let name = "zstd"
    private let base: [(bytes: [UInt8], count: Int)]

    init() {
        var random = FuzzRandom(seed: 1, format: "zstd", number: 0)
        let originals: [[UInt8]] = [
            [], [0], Array(repeating: 0, count: 100_000), (0..<3000).map { _ in UInt8(truncatingIfNeeded: random.next()) },
            (0..<20_000).map { UInt8($0 % 50) }, Array(repeating: 1, count: 64 << 20),
        ]
        base = originals.map { (Compression().compress($0), $0.count) }
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        let base = random.pick(base)
        var bytes = base.bytes
        var changes = ["\(base.count) bytes"]
        let mutator = ByteMutator(donors: self.base.map(\.bytes))
        for _ in 0..<random.below(3) { changes.append(mutator.mutate(&bytes, using: &random)) }
        // What is expected comes from elsewhere: at most a megabyte here, or nonsense.
        var expected = random.chance(0.7)
            ? min(base.count, 1 << 20)
            : Int(truncatingIfNeeded: InterestingNumbers.pick(near: UInt64(base.count), size: bytes.count, remaining: base.count, using: &random))
        if expected == base.count, expected > 1 << 20 { expected -= 1 }
        changes.append("\(expected) expected")
        return Mutant(files: ["message": bytes, "count": Array("\(expected)".utf8)], changes: changes)
    }

    private enum Refusal: Error { case refused }

    func read(_ mutant: Mutant, in folder: String) throws {
        let expected = Int(String(decoding: mutant.files["count"] ?? [], as: UTF8.self)) ?? 0
        guard let original = Compression().decompress(mutant.message, count: expected) else { throw Refusal.refused }
        try BrokenInvariant.unless(original.count == expected, "\(original.count) bytes came where \(expected) were expected")
        try BrokenInvariant.unless(
            Compression().decompress(Compression().compress(original), count: expected) == original, "compressed again it is something else")
    }

    func isRefusal(_ error: any Error) -> Bool { error is Refusal }
}

/// A group of trajectories on its way to the learners.
struct TrajectoryFormat: FuzzFormat {
    let name = "trajectory"
    private let base: [[UInt8]]

    init() {
        base = (0..<4).map { TrajectoryCoding.encode(Self.group(slot: $0, size: [0, 1, 3, 8][$0])) }
    }

    /// A group with plausible numbers; `slot` is the prompt too.
    static func group(slot: Int, size: Int) -> TrajectoryGroup {
        var random = FuzzRandom(seed: 2, format: "group", number: slot)
        func tokens(_ count: Int) -> [Int32] { (0..<count).map { _ in Int32(random.below(10)) } }
        func logs(_ count: Int) -> [Float] { (0..<count).map { _ in -Float(random.below(1000)) / 128 } }
        let trajectories = (0..<size).map { index in
            let n = 1 + random.below(6)
            return Trajectory(
                response: tokens(n), stop: .stopToken, tokenLogProbabilities: logs(n), stopLogProbabilities: logs(n + 1),
                referenceTokenLogProbabilities: index % 2 == 0 ? logs(n) : [], referenceStopLogProbabilities: index % 2 == 0 ? logs(n + 1) : [],
                states: [
                    TerminableState(index: 0, process: -1.5, isFinished: false, isCorrect: false),
                    TerminableState(index: n, process: -2, isFinished: true, isCorrect: index % 2 == 0),
                ], stepRewards: index % 3 == 0 ? [0.25, Float(random.below(9)) / 8] : [])
        }
        return TrajectoryGroup(
            address: GroupAddress(step: 3, slot: slot), promptID: slot, prompt: tokens(5), trajectories: trajectories, sampledWith: 2)
    }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        var bytes = random.pick(base)
        let changes = ByteMutator(donors: base).mutateFrame(&bytes, using: &random)
        return message(bytes, changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        let group = try TrajectoryCoding.decode(mutant.message)
        try BrokenInvariant.unless(TrajectoryCoding.encode(group) == mutant.message, "the group is not what it was read from")
        for trajectory in group.trajectories {
            _ = trajectory.referenceLogProbabilities
            try BrokenInvariant.unless(
                trajectory.stepRewards.count <= trajectory.response.count + 1 && trajectory.stepRewards.allSatisfy { $0 >= 0 && $0 <= 1 },
                "a step reward is no probability, or there are too many")
            _ = RewardSettings(referenceExponent: LinearSchedule(constant: trajectory.hasReference ? 1 : 0)).logRewards(of: trajectory, step: 0)
        }
        var buffer = group
        buffer.trajectories.removeAll { $0.response.contains { $0 < 0 } }
        try BrokenInvariant.unless(
            buffer.trajectories.count == group.trajectories.count && group.prompt.allSatisfy { $0 >= 0 }, "a token is negative")
        try BrokenInvariant.unless(
            group.address.step >= 0 && group.address.slot >= 0 && group.sampledWith >= 0, "step, slot or version is negative")
    }

    func isRefusal(_ error: any Error) -> Bool { error is TrajectoryCodingError }
}
