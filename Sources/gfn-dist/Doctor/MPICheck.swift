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
        guard version.status == 0, let name = version.output.split(separator: "\n").first else {
            return [.broken(
                "MPI", "\(mpirun) --version ends with \(version.status): \(version.said)", "repair the installation of Open MPI")]
        }
        guard name.contains("Open MPI") else {
            return [.broken("MPI", "\(mpirun) is \(name)", "put Open MPI's mpirun first in PATH: the program is linked with it")]
        }
        return [meet(String(name))]
    }

    private func meet(_ name: String) -> DoctorLine {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let call = [mpirun, "-n", "2", "--oversubscribe", program, "doctor", Self.option]
        do {
            let start = ContinuousClock.now
            let ranks = try CapturedCommand(call, seconds: Self.patience)
            let seconds = decimals(start.duration(to: .now).seconds, 1)
            if ranks.timedOut {
                return .broken(
                    "MPI", "\(name): two ranks did not find each other within \(Int(Self.patience)) s",
                    "see which network interfaces Open MPI takes (OMPI_MCA_btl_tcp_if_include, OMPI_MCA_oob_tcp_if_include), and firewalls")
            }
            guard ranks.status == 0, ranks.output.contains("2 ranks meet") else {
                let remedy = ranks.errors.contains("root")
                    ? "as root, source scripts/mpi-environment.sh first" : "its words say what is missing; try mpirun -n 2 hostname"
                return .broken("MPI", "\(name): two ranks end with \(ranks.status): \(ranks.said)", remedy)
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

/// A command, run to its end or to a limit of time.
struct CapturedCommand {
    let status: Int32
    let output, errors: String
    let timedOut: Bool

    /// Throws where it cannot be started.
    init(_ words: [String], seconds: Double) throws(RunError) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardInput = FileHandle.nullDevice
        // Files and not pipes: nobody has to read while it runs.
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-command-\(UUID().uuidString)").path
        let paths = [base + ".output", base + ".errors"]
        defer { paths.forEach { unlink($0) } }
        func handle(_ path: String) throws(RunError) -> FileHandle {
            guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path) else {
                throw .inputOutput("\(path) cannot be written")
            }
            return handle
        }
        (process.standardOutput, process.standardError) = (try handle(paths[0]), try handle(paths[1]))
        do { try process.run() } catch { throw .inputOutput("\(words[0]) cannot be started (\(error.localizedDescription))") }
        let end = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < end { usleep(20_000) }
        timedOut = process.isRunning
        if timedOut { kill(process.processIdentifier, SIGTERM) }
        process.waitUntilExit()
        status = process.terminationStatus
        func text(_ path: String) -> String { FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        (output, errors) = (text(paths[0]), text(paths[1]))
        if status == 127, errors.contains("No such file") { throw .missingInput("\(words[0]) was not found in PATH") }
    }

    /// The first words of what it complained about, on one line.
    var said: String {
        let words = (errors.isEmpty ? output : errors).split(whereSeparator: \.isWhitespace).filter { !$0.allSatisfy { $0 == "-" } }
        return words.prefix(40).joined(separator: " ") + (words.count > 40 ? " …" : "")
    }
}
