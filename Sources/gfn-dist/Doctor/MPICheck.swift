internal import Collective
internal import Foundation

/// Whether ranks find each other: two of them are started and exchange bytes.
struct MPICheck {
    /// What the program is called with, as one of these ranks.
    static let option = "--meet"
    private static let patience = 60.0

    var mpirun = "mpirun"

    func lines() -> [DoctorLine] {
        let version: CapturedCommand
        do { version = try CapturedCommand([mpirun, "--version"], seconds: Self.patience) } catch {
            return [.broken(
                "MPI", "\(error)", "install Open MPI (libopenmpi-dev and openmpi-bin; scripts/dependencies.sh does), or load its module")]
        }
        guard version.end == .exited(0), let name = version.output.split(separator: "\n").first else {
            return [.broken(
                "MPI", "\(mpirun) --version ends with \(version.fate): \(version.said)", "repair the installation of Open MPI")]
        }
        guard name.contains("Open MPI") else {
            return [.broken("MPI", "\(mpirun) is \(name)", "put Open MPI's mpirun first in PATH: the program is linked with it")]
        }
        return [meet(String(name))]
    }

    private func meet(_ name: String) -> DoctorLine {
        let call = [mpirun, "-n", "2", "--oversubscribe", ownPath, "doctor", Self.option]
        do {
            let start = ContinuousClock.now
            let ranks = try CapturedCommand(call, seconds: Self.patience)
            let seconds = decimals(start.duration(to: .now).seconds, 1)
            if ranks.end == .overdue {
                return .broken(
                    "MPI", "\(name): two ranks did not find each other within \(Int(Self.patience)) s",
                    "see which network interfaces Open MPI takes (OMPI_MCA_btl_tcp_if_include, OMPI_MCA_oob_tcp_if_include), and firewalls")
            }
            guard ranks.end == .exited(0), ranks.output.contains("2 ranks meet") else {
                let remedy = ranks.errors.contains("root")
                    ? "as root, source scripts/mpi-environment.sh first" : "its words say what is missing; try mpirun -n 2 hostname"
                return .broken("MPI", "\(name): two ranks end with \(ranks.fate): \(ranks.said)", remedy)
            }
            return .fine("MPI", "\(name); two ranks started, met and exchanged bytes in \(seconds) s")
        } catch {
            return .broken("MPI", "\(name): \(error)", "repair the installation of Open MPI")
        }
    }

    /// As one of these ranks: every byte arrives at every rank.
    static func meet(_ communicator: any Communicator, speaks: Bool) throws {
        let own = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ communicator.rank) }
        let all = try communicator.allGather(own)
        for (rank, bytes) in all.enumerated() where bytes != (0..<1000).map({ UInt8(truncatingIfNeeded: $0 &* 31 &+ rank) }) {
            throw RunError.inputOutput("what rank \(rank) sent arrived damaged at rank \(communicator.rank)")
        }
        if speaks, communicator.rank == 0 { print("\(communicator.size) ranks meet") }
    }
}
