import Glibc

/// What the launcher (mpirun, or srun with PMIx or PMI) says in the environment, before MPI is started.
enum LaunchEnvironment {
    static var isLaunchedByMPI: Bool {
        ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"].contains { value($0) != nil }
    }

    static var isLaunchedByMpirun: Bool { number("OMPI_COMM_WORLD_SIZE").map { $0 > 1 } ?? false }

    /// The job that a launcher started this process for; nil when none says so.
    ///
    /// The launcher nearest to the process speaks: mpirun starts its own processes through srun, which counts nodes then.
    static var announcedTasks: AnnouncedTasks? {
        let launchers = [
            ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), ("PMI_SIZE", "PMI_RANK"), ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
        ]
        for (size, rank) in launchers {
            if let count = number(size) { return AnnouncedTasks(count: count, hasCount: true, rank: number(rank) ?? 0, variable: size) }
        }
        // A shell in an allocation has SLURM_NTASKS, and may start one process: only srun's own steps count.
        if let count = number("SLURM_STEP_NUM_TASKS"), let rank = number("SLURM_PROCID"),
            let step = number("SLURM_STEP_ID") ?? number("SLURM_STEPID"), step < slurmReservedSteps
        {
            return AnnouncedTasks(count: count, hasCount: true, rank: rank, variable: "SLURM_STEP_NUM_TASKS")
        }
        // Others give a rank and no count: there are more tasks than that.
        for rank in ["PMIX_RANK", "PMI_RANK", "PALS_RANKID"] {
            if let number = number(rank) { return AnnouncedTasks(count: number + 1, hasCount: false, rank: number, variable: rank) }
        }
        return nil
    }

    /// Slurm numbers batch scripts and interactive shells from here on.
    private static let slurmReservedSteps = 0xffff_fff0

    /// The ranks that the launcher put on this node; nil when it does not say.
    static var ranksOnNode: Int? {
        if let count = number("OMPI_COMM_WORLD_LOCAL_SIZE") { return count }
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

    private static func number(_ name: String) -> Int? { value(name).flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }
}

/// What a launcher says about the tasks that it started.
package struct AnnouncedTasks: Sendable {
    /// How many there are; without `hasCount`, at least.
    package let count: Int
    package let hasCount: Bool
    /// Which of them this process is.
    package let rank: Int
    /// Where that is said.
    package let variable: String
}
