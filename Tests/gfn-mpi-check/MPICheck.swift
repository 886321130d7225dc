import Collective
import Glibc

/// Runs the contract of `Communicator` over MPI, or fails on purpose so that tests can see how the others end.
///
///     mpirun -n 4 gfn-mpi-check contract [PIECE]
///     mpirun -n 4 gfn-mpi-check fail HOW RANK WAIT CODE      HOW: throw, exit, kill   WAIT: allReduce, receive, broadcast
///     mpirun -n 8 gfn-mpi-check measure
///     gfn-mpi-check signals
@main
enum MPICheck {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            switch words.first {
            case "contract": try contract(pieceLimit: words.count > 1 ? Int(words[1]) ?? 0 : nil)
            case "fail" where words.count == 5:
                try fail(how: words[1], failing: Int(words[2]) ?? 0, waitingIn: words[3], code: Int32(words[4]) ?? 1)
            case "measure": try measure()
            case "signals": try signals()
            default:
                complain("gfn-mpi-check: expected contract [PIECE], fail HOW RANK WAIT CODE, measure or signals")
                exit(64)
            }
        } catch {
            complain("gfn-mpi-check: \(error)")
            exit(70)
        }
    }

    private static func contract(pieceLimit: Int?) throws {
        let world = try pieceLimit.map {
            try MPICommunicator.start(pieceLimit: $0, limits: SendLimits(messages: 16, bytes: 1 << 20))
        } ?? MPICommunicator.start()
        for check in Contract.all {
            do { try check.body(world) } catch {
                world.abort("rank \(world.rank): \(check): \(error)", code: 70)
            }
        }
        try world.barrier()
        if world.rank == 0 {
            print("kept \(Contract.all.count) promises among \(world.size) ranks, \(world.localSize) on this node")
        }
        try world.finish()
    }

    /// One rank fails while the others wait for something that only it could bring.
    private static func fail(how: String, failing: Int, waitingIn wait: String, code: Int32) throws {
        let world = try MPICommunicator.start()
        try world.barrier()
        do {
            if world.rank == failing {
                usleep(200_000)
                switch how {
                case "exit": exit(code)
                case "kill": kill(getpid(), SIGKILL)
                default: throw ContractFailure(description: "the sky fell on rank \(failing)")
                }
            }
            switch wait {
            case "receive": _ = try world.receive(from: failing, tag: 0)
            case "broadcast": _ = try world.startBroadcast(nil, root: failing).wait()
            default: _ = try world.sum(1)
            }
        } catch {
            world.abort("rank \(world.rank): \(error)", code: code)
        }
    }

    private static func signals() throws {
        SignalFlags.install()
        try expect(SignalFlags.takeStop() == nil && !SignalFlags.takeSave(), "nothing is asked at first")
        for signal in [SIGTERM, SIGINT, SIGUSR1] {
            raise(signal)
            try expect(SignalFlags.stopRequested == signal && SignalFlags.stopRequested == signal, "\(signal) stays")
            try expect(SignalFlags.takeStop() == signal && SignalFlags.takeStop() == nil, "\(signal) is taken once")
            try expect(!SignalFlags.takeSave(), "\(signal) is no request to save")
        }
        raise(SIGUSR2)
        try expect(SignalFlags.takeStop() == nil && SignalFlags.takeSave() && !SignalFlags.takeSave(), "a request to save")
        print("signals are kept and taken once")
    }

    private static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(2, line, line.count)
    }
}
