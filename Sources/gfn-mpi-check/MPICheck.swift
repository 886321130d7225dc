import Collective
import Glibc

/// Runs the contract of `Communicator` over MPI, or fails on purpose so that tests can see how the others end.
///
///     mpirun -n 4 gfn-mpi-check contract [PIECE]
///     mpirun -n 4 gfn-mpi-check fail HOW RANK WAIT CODE      HOW: throw, exit, kill   WAIT: allReduce, receive, broadcast
///     mpirun -n 8 gfn-mpi-check measure
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
            default:
                complain("gfn-mpi-check: expected contract [PIECE], fail HOW RANK WAIT CODE or measure")
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

    private static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(2, line, line.count)
    }
}
