internal import Collective
internal import Foundation

/// `memory.json` of a run that reached its end: what the node of rank 0 was planned to take, and what its processes took, in bytes.
///
/// Each process keeps its own peak, and these need not have been at one time: the real sum is at most what is said here.
struct RunMemory: Codable, Sendable, Equatable {
    let planned: Int
    /// The peaks of all processes of the node, with what they map counted once.
    let real: Int
    /// Of each process of the node, by rank, without what it maps.
    let own: [Int]
    /// Code, libraries, MPI's segments and the files of the base, as much as the process that maps most of them.
    let mapped: Int

    private enum CodingKeys: String, CodingKey {
        case planned = "memory_planned_bytes", real = "memory_real_bytes", own = "memory_own_bytes", mapped = "memory_mapped_bytes"
    }

    /// What one rank says of the process that it lives in.
    struct Report: Codable, Sendable, Equatable {
        let node: String
        let process: Int32
        let own, mapped: Int

        /// Nil where the system does not say.
        static var current: Report? {
            ProcessMemory.current.map { memory in
                let process = ProcessInfo.processInfo
                return Report(node: process.hostName, process: process.processIdentifier, own: memory.peakOwn, mapped: memory.mapped)
            }
        }
    }

    /// - Parameter reports: by rank; of ranks that share a process, the first counts. Nil where the first rank knows nothing.
    init?(planned: Int, _ reports: [Report?]) {
        guard let first = reports.first, let first else { return nil }
        var processes: [Report] = []
        for case let report? in reports where report.node == first.node && !processes.contains(where: { $0.process == report.process }) {
            processes.append(report)
        }
        self.planned = planned
        own = processes.map(\.own)
        mapped = processes.map(\.mapped).max() ?? 0
        real = own.reduce(mapped, +)
    }

    /// What every rank takes by now. Collective; the same on all ranks.
    static func gather(planned: Int, over communicator: any Communicator) throws -> RunMemory? {
        let own = try JSONEncoder().encode([Report.current])
        let reports = try communicator.allGather([UInt8](own)).flatMap { try JSONDecoder().decode([Report?].self, from: Data($0)) }
        return RunMemory(planned: planned, reports)
    }

    /// Pretty, with keys in order.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}
