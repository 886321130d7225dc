import Collective
import Foundation
import Testing

@testable import gfn_dist

/// A rank that takes longer over whatever it computes: each `poll` waits. It also notes what it sends to rank 0 as a rollout.
final class SlowCommunicator: Communicator, @unchecked Sendable {
    private let base: any Communicator
    private let microseconds: UInt32
    /// The groups of each batch that was sent to rank 0.
    private(set) var groupsSent: [Int] = []

    init(_ base: any Communicator, microseconds: UInt32) { (self.base, self.microseconds) = (base, microseconds) }

    func poll() {
        usleep(microseconds)
        base.poll()
    }

    func send(_ bytes: [UInt8], to peer: Int, tag: Int) throws(CollectiveError) {
        if peer == 0, tag == RolloutBatch.tag { note(bytes) }
        try base.send(bytes, to: peer, tag: tag)
    }

    private func note(_ bytes: [UInt8]) {
        do {
            let frame = try MessageFrame.decode(bytes)
            if frame.kind == FrameKind.rolloutBatch { groupsSent.append(try RolloutBatch(frame).groups.count) }
        } catch {
            Issue.record(error)
        }
    }

    var rank: Int { base.rank }
    var size: Int { base.size }
    var whereabouts: Whereabouts { base.whereabouts }
    var received: Traffic { base.received }
    func barrier() throws(CollectiveError) { try base.barrier() }
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) { try base.allReduceSum(values) }
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) { try base.allReduceSum(values) }
    func allReduceMax(_ values: UnsafeMutableBufferPointer<Float>) throws(CollectiveError) { try base.allReduceMax(values) }
    func allReduceMax(_ values: UnsafeMutableBufferPointer<Int64>) throws(CollectiveError) { try base.allReduceMax(values) }
    func allGather(_ bytes: [UInt8]) throws(CollectiveError) -> [[UInt8]] { try base.allGather(bytes) }
    func allGather(_ values: UnsafeMutableBufferPointer<Float>, share: Int) throws(CollectiveError) {
        try base.allGather(values, share: share)
    }
    func sendReceive(
        _ sent: UnsafeRawBufferPointer, to next: Int, into taken: UnsafeMutableRawBufferPointer, from last: Int
    ) throws(CollectiveError) {
        try base.sendReceive(sent, to: next, into: taken, from: last)
    }
    func startBroadcast(_ bytes: [UInt8]?, root: Int) throws(CollectiveError) -> PendingBroadcast {
        try base.startBroadcast(bytes, root: root)
    }
    func receive(from peer: Int, tag: Int) throws(CollectiveError) -> [UInt8] { try base.receive(from: peer, tag: tag) }
    func receiveArrived(tag: Int) throws(CollectiveError) -> ReceivedMessage? { try base.receiveArrived(tag: tag) }
    func receiveAny(tag: Int) throws(CollectiveError) -> ReceivedMessage { try base.receiveAny(tag: tag) }
    func subgroup(_ ranks: [Int]) throws(CollectiveError) -> (any Communicator)? { try base.subgroup(ranks) }
    func abort(_ reason: String, code: Int32) { base.abort(reason, code: code) }
    func finish() throws(CollectiveError) { try base.finish() }
}
