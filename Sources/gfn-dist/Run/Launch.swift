internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// How the ranks of a run come to be: MPI processes, or virtual ranks on threads of this process.
struct Launch: Sendable {
    /// The number of virtual ranks in this process; nil under MPI.
    let virtualRanks: Int?
    /// Over all processes; nil while ranks are virtual, since those are made later, by `everyRank`.
    private let communicator: MPICommunicator?

    /// Whether this process is the one that talks to people.
    var isFirst: Bool { communicator.map { $0.rank == 0 } ?? true }
    var size: Int { communicator?.size ?? virtualRanks ?? 1 }
    /// How many ranks share the cores of this machine.
    var ranksOnNode: Int { communicator?.localSize ?? virtualRanks ?? 1 }

    /// Bytes that this node had left when the program started, before any rank had read anything; nil where the system does not say.
    private let availableMemory: Int?

    /// What this process shares with the others of its node.
    var node: NodeShare { NodeShare(ranks: ranksOnNode, processes: communicator?.localSize ?? 1, availableMemory: availableMemory) }

    /// Whether a rank of this process computes gradients; without a layout every rank does.
    func hasLearner(_ layout: RankLayout?) -> Bool {
        guard let layout, let communicator else { return true }
        return layout.isLearner(communicator.rank)
    }

    /// Runs `body` in this process and ends the process with the exit code of its error, if it throws.
    ///
    /// - Parameter ranks: virtual ranks; nil: as the launcher says, one without a launcher.
    static func perform(ranks: Int?, _ body: (Launch) throws -> Void) {
        // A reader that has gone, or a file that may not grow (`ulimit -f`), is then an error of writing like any other, and not the end
        // of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Before MPI starts, which writes such variables itself.
        let tasks = ranks == nil ? MPICommunicator.announcedTasks : nil
        do {
            if ranks == nil, MPICommunicator.isLaunchedByMPI {
                let communicator = try MPICommunicator.start()
                let launch = Launch(virtualRanks: nil, communicator: communicator, availableMemory: NodeMemory().available)
                do {
                    if communicator.size == 1 { try refuseUnjoined(tasks) }
                    try communicator.watch()
                    try body(launch)
                } catch {
                    end(launch, error)
                }
                try communicator.finish()
            } else {
                try refuseUnjoined(tasks)
                try body(Launch(virtualRanks: ranks ?? 1, communicator: nil, availableMemory: NodeMemory().available))
            }
        } catch {
            say("\(error)")
            exit(ExitCode.of(error))
        }
    }

    /// Fails when a launcher started several tasks that MPI did not join: each would do the whole work, in the same place.
    ///
    /// Not `throws(ConfigurationError)`: beside `body`, which throws anything, Swift 6.3 makes invalid code of that when it optimises.
    private static func refuseUnjoined(_ tasks: AnnouncedTasks?) throws {
        guard let tasks, tasks.count > 1 else { return }
        // One task speaks for all; a launcher may end the job with the first that ends, so that one is first.
        if tasks.rank > 0, tasks.hasCount {
            sleep(2)
            exit(78)
        }
        let (atLeast, number) = tasks.hasCount ? ("", "\(tasks.count)") : ("at least ", "N")
        throw ConfigurationError(problems: [
            "the launcher started \(atLeast)\(tasks.count) tasks (\(tasks.variable)), but MPI joined none of them, so that each would do "
                + "the whole work by itself; start them with srun --mpi=pmix -n \(number) or Open MPI's mpirun -n \(number), "
                + "or add --single where separate runs are meant"
        ])
    }

    /// Runs `body` once per rank that lives in this process, and gives what they return.
    @discardableResult
    func everyRank<Value: Sendable>(_ body: @escaping @Sendable (any Communicator) throws -> Value) throws -> [Value] {
        if let communicator { return [try body(communicator)] }
        return try runInProcess(ranks: virtualRanks ?? 1, body: body)
    }

    /// Says how long ranks may be without a sign of life. Before that, it is the setting's default.
    func watch(by layers: ConfigurationLayers) {
        let name = "watchdog.seconds"
        communicator?.setWatchdogLimit(Int(layers.values[name] ?? Setting.named(name)?.fallback ?? ""))
        communicator?.whereabouts.enter(.load)
    }

    /// A value that rank 0's process makes and all processes use. Collective over processes.
    func decidedByFirst(_ body: () throws -> String) throws -> String {
        guard let communicator else { return try body() }
        let own = try together { communicator.rank == 0 ? try body() : "" }
        return String(
            decoding: try communicator.startBroadcast(communicator.rank == 0 ? [UInt8](own.utf8) : nil, root: 0).wait(), as: UTF8.self)
    }

    /// The ranks on this node, by their roles; `layout` nil: every rank is a learner. Collective over processes.
    func rolesOnNode(_ layout: RankLayout?) throws -> NodeRoles {
        guard let communicator else { return NodeRoles(layout, ranks: Array(0..<size), of: size, processes: 1) }
        let node = [UInt8](ProcessInfo.processInfo.hostName.utf8)
        let ranks = try communicator.allGather(node).enumerated().filter { $0.element == node }.map(\.offset)
        return NodeRoles(layout, ranks: ranks, of: size, processes: ranks.count)
    }

    /// Does what every process does alike, such as opening the model, and fails on all of them when it fails on one:
    /// an input that all of them miss is said once. Collective over processes.
    func together<Value>(_ body: () throws -> Value) throws -> Value {
        guard let communicator else { return try body() }
        let result = Result { try body() }
        var failure = SharedFailure(code: 0, text: "")
        if case .failure(let error) = result { failure = SharedFailure(code: ExitCode.of(error), text: "\(error)") }
        let outcomes = try communicator.allGather([UInt8]("\(failure.code)\n\(failure.text)".utf8))
        for outcome in outcomes {
            let text = String(decoding: outcome, as: UTF8.self)
            let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            if let code = lines.first.flatMap({ Int32($0) }), code != 0 {
                throw SharedFailure(code: code, text: lines.count > 1 ? String(lines[1]) : "")
            }
        }
        return try result.get()
    }

    /// Fails, on all processes, when learners would sum the gradients of whole weight matrices with different kernels: the result
    /// would depend on which rank is which. Collective over processes.
    func requireOneCore(ofLearners layout: RankLayout?) throws {
        guard let communicator else { return }
        let own = hasLearner(layout) ? WeightGradientLibrary.core : ""
        let cores = try communicator.allGather([UInt8](own.utf8)).map { String(decoding: $0, as: UTF8.self) }
        let learners = cores.enumerated().filter { !$0.element.isEmpty }
        guard Set(learners.map(\.element)).count > 1 else { return }
        let found = learners.prefix(8).map { "rank \($0.offset) \($0.element)" }.joined(separator: ", ")
        throw SharedFailure(
            code: 78,
            text: "trainable is full, and OpenBLAS has other kernels on some learners (\(found)), so that the result would depend on which "
                + "rank is which: choose one for all (mpirun -x OPENBLAS_CORETYPE=Haswell), or train adapters, which do not use it")
    }

    /// A failure that every process knows of, and that rank 0 says.
    struct SharedFailure: Error, Equatable, CustomStringConvertible {
        let code: Int32
        let text: String
        var description: String { text }
    }

    /// A failure of one rank in the middle of a run.
    struct RankFailure: Error, CustomStringConvertible {
        let rank: Int
        let role: String
        let step: Int
        let cause: any Error
        var description: String { "rank \(rank) (\(role)), step \(step): \(cause)" }
    }

    /// Ends all processes because of an error. What every rank knows alike is said by rank 0 alone.
    private static func end(_ launch: Launch, _ error: any Error) -> Never {
        guard let communicator = launch.communicator else { exit(ExitCode.of(error)) }
        if error is ConfigurationError || error is SharedFailure || isInterruption(error) {
            // Every rank is here with the same error, so MPI can end in order.
            if communicator.rank == 0 { say("\(error)") }
            do { try communicator.finish() } catch { exit(ExitCode.of(error)) }
            exit(ExitCode.of(error))
        }
        // Rank 0 speaks for them and ends the job, of which a signal may tell the others, which wakes them up.
        if isOfAllLearners(error), communicator.rank != 0 {
            var seconds: UInt32 = 5
            while seconds > 0 { seconds = sleep(seconds) }
        }
        communicator.abort("gfn-dist: \(error)", code: ExitCode.of(error))
        exit(ExitCode.of(error))
    }

    /// Whether learners stop with this error together, since each of them finds the same.
    private static func isOfAllLearners(_ error: any Error) -> Bool {
        switch ((error as? RankFailure)?.cause ?? error) as? RunError {
        case .nonFinite, .nothingCollected: true
        default: false
        }
    }

    private static func isInterruption(_ error: any Error) -> Bool {
        if case .interrupted = error as? RunError { return true }
        return false
    }

    /// Says something that also who asked for quiet must know.
    static func say(_ text: String) {
        for line in text.split(separator: "\n") {
            writeToStandardError("gfn-dist: \(line)\n")
        }
    }
}

/// The exit codes that scripts rely on.
enum ExitCode {
    static func of(_ error: any Error) -> Int32 {
        switch error {
        case let error as RunError:
            switch error {
            case .missingInput: 66
            case .badData, .nothingCollected: 65
            case .inputOutput: 74
            case .configuration: 78
            case .nonFinite: 72
            case .interrupted: 75
            case .notEqual: 70
            }
        case is ConfigurationError, is RankLayoutError: 78
        case let error as Launch.SharedFailure: error.code
        case let error as Launch.RankFailure: of(error.cause)
        case let error as CheckpointError:
            switch error {
            case .inaccessible: 74
            case .mismatch: 78
            default: 65
            }
        case let error as CollectiveError: error.isPeerLost ? 69 : 74
        // Of messages: what is wrong in a file has an error of its own.
        case is MessageFrameError, is ByteReaderError, is TrajectoryCodingError, is WeightCodingError: 74
        case let error as ModelFileError:
            switch error {
            case .missing, .inaccessible: 66
            case .unwritable: 74
            case .noMemory: 78
            default: 65
            }
        case is EnumerableTaskError: 65
        case let error as DataFileError: if case .unreadable = error { 66 } else { 65 }
        default: 70
        }
    }
}
