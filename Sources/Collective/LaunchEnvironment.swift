import Glibc

/// What the launcher (mpirun, or srun with PMIx or PMI) says in the environment, before MPI is started.
enum LaunchEnvironment {
    static var isLaunchedByMPI: Bool {
        ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"].contains { value($0) != nil }
    }

    /// The ranks that the launcher put on this node; nil when it does not say.
    static var ranksOnNode: Int? {
        if let text = value("OMPI_COMM_WORLD_LOCAL_SIZE"), let count = Int(text) { return count }
        // Slurm writes "4(x2),3": four tasks on each of two nodes, then three.
        if let text = value("SLURM_STEP_TASKS_PER_NODE") { return Int(text.prefix { $0.isNumber }) }
        return nil
    }

    static var coresOnNode: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Makes MPI give up its time slice while it waits, when ranks share cores; a setting of the user's stays.
    ///
    /// Open MPI decides by itself only under its own mpirun, and otherwise spins: with eight ranks on two cores an
    /// all-reduce then takes a thousand times longer.
    static func prepareForSharedCores() {
        guard let ranks = ranksOnNode, ranks > coresOnNode else { return }
        setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0)
    }

    private static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
