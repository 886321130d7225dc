@testable import Collective
import Testing

@testable import gfn_dist

@Suite("Weights on their way")
struct WeightExchangeTests {
    private static func bits(of version: Int) -> [UInt16] { (0..<500).map { UInt16(truncatingIfNeeded: $0 * 31 + version * ($0 % 7)) } }

    private static func frame(_ version: Int, against base: Int?, kind: UInt16 = FrameKind.weights, layout: UInt16 = FrameKind.version) -> [UInt8] {
        let previous = base.map { (bits: bits(of: $0), version: $0) }
        let payload = WeightCoding.encode(bits: bits(of: version), version: version, against: previous).payload
        return MessageFrame(kind: kind, version: layout, payload: payload).encoded()
    }

    /// What a rollout has of `version` after rank 0 broadcast these frames; it begins with version 0.
    private static func received(_ frames: [[UInt8]], version: Int) throws -> [UInt16]? {
        try runInProcess(ranks: 2) { communicator -> [UInt16]? in
            guard communicator.rank == 1 else {
                for frame in frames { _ = try communicator.startBroadcast(frame, root: 0).wait() }
                return nil
            }
            return try WeightExchange(channel: communicator, lag: 0, history: [0: bits(of: 0)]).bits(of: version)
        }[1]
    }

    @Test("a late or repeated version is ignored, and whole weights are taken whatever came before")
    func lateAndRepeated() throws {
        let frames = [
            Self.frame(1, against: 0), Self.frame(1, against: 0), Self.frame(2, against: 1), Self.frame(1, against: nil), Self.frame(2, against: nil),
            Self.frame(5, against: nil),
        ]
        #expect(try Self.received(frames, version: 5) == Self.bits(of: 5))
    }

    @Test("changes to a version that never came, other messages and other layouts are refused")
    func refused() throws {
        #expect(throws: WeightCodingError.missingBase(version: 1, having: 0)) { try Self.received([Self.frame(2, against: 1)], version: 2) }
        #expect(throws: MessageFrameError.kind(expected: FrameKind.weights, found: FrameKind.rolloutBatch)) {
            try Self.received([Self.frame(1, against: 0, kind: FrameKind.rolloutBatch)], version: 1)
        }
        #expect(throws: MessageFrameError.version(expected: FrameKind.version, found: 2)) {
            try Self.received([Self.frame(1, against: 0, layout: 2)], version: 1)
        }
    }
}
