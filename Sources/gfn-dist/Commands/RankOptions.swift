internal import ArgumentParser
internal import Collective

/// How many ranks a command runs on when no launcher says it.
struct RankOptions: ParsableArguments {
    @Flag(name: .long, help: "Virtual ranks in this one process, for debugging.")
    var single = false
    @Option(name: .long, help: ArgumentHelp("How many, with --single.", valueName: "n"))
    var ranks: Int?

    /// The number of ranks on threads of this process; nil: as the launcher says.
    var virtual: Int? { single ? ranks ?? 1 : nil }

    func validate() throws {
        if let ranks, !(1...1024).contains(ranks) { throw ValidationError("--ranks is \(ranks), expected 1 to 1024") }
        if single, MPICommunicator.isLaunchedByMpirun {
            throw ValidationError("--single runs all ranks in one process: leave it out under mpirun, or start the program without mpirun")
        }
        if ranks != nil, !single { throw ValidationError("--ranks goes with --single; under MPI the launcher decides: mpirun -n N") }
    }
}
