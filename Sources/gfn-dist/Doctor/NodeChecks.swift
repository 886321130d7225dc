internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// What one node offers, and what is missing; each check is a function of what it is given, so that tests can give it anything.
struct NodeChecks {
    var environment: [String: String] = ProcessInfo.processInfo.environment
    /// Where the system's files are; tests lay some of their own below another folder.
    var root = ""
    /// Ranks that share the node, and threads of each where the settings name them.
    var ranks = 1
    var threads: Int?
    /// Where a run would be written.
    var folder = "runs"

    func lines() -> [DoctorLine] {
        [kernels, cores(CoreSet.ofThisProcess, online: CoreSet.online), blas, memory] + disk + limits + launcher
    }

    private var kernels: DoctorLine {
        let families = KernelFamily.selectable().map(\.rawValue)
        if let name = environment[KernelFamily.variable], !name.isEmpty {
            guard KernelFamily.selectable(named: name) != nil else {
                return .broken(
                    "kernels", "\(KernelFamily.variable) is \(name), which this processor does not have",
                    "unset it, or name one of \(families.joined(separator: ", "))")
            }
            if name != families.last {
                return .advice(
                    "kernels", "\(KernelFamily.variable) chooses \(name)", "unset it for \(families.last ?? ""), which is faster")
            }
        }
        #if arch(x86_64)
        if families == [KernelFamily.portable.rawValue] {
            return .advice("kernels", "\(processorName) has no AVX2", "take a processor that has: portable kernels are many times slower")
        }
        #endif
        return .fine("kernels", "\(processorName), kernels \(families.last ?? "") (of \(families.joined(separator: ", ")))")
    }

    private var processorName: String {
        let lines = text("/proc/cpuinfo").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("model name") }
        return line?.split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "this processor"
    }

    /// Cores that this process may use against those that its ranks and threads need.
    func cores(_ allowed: CoreSet, online: Int) -> DoctorLine {
        let quota = cpuQuota, usable = min(Double(allowed.count), quota ?? .infinity)
        let each = threads ?? max(1, online / max(1, ranks)), needed = each * ranks
        let whole = "\(online) core\(online == 1 ? "" : "s")"
        if allowed.count < each {
            return .advice(
                "cores", "this process is bound to \(allowed.count) of \(whole) and has \(each) threads",
                "bind ranks to as many cores as threads (mpirun --map-by slot:PE=\(each), srun --cpus-per-task=\(each)), or set "
                    + "threads=\(allowed.count)")
        }
        if let quota, quota < Double(needed) {
            return .advice(
                "cores",
                "a control group allows \(decimals(quota, 1)) of \(whole), and \(ranks) rank\(ranks == 1 ? "" : "s") of \(each) threads "
                    + "want \(needed)",
                "start fewer ranks, or set threads=\(max(1, Int(quota) / ranks))")
        }
        if needed > online {
            return .advice(
                "cores", "\(ranks) rank\(ranks == 1 ? "" : "s") of \(each) thread\(each == 1 ? "" : "s") share \(whole)",
                "set threads=\(max(1, online / ranks)), or start fewer ranks")
        }
        let bound = allowed.count < online ? ", of which this process may use \(allowed.count)" : ""
        return .fine("cores", "\(whole)\(bound), \(decimals(usable, 0)) usable, \(each) thread\(each == 1 ? "" : "s") a rank")
    }

    /// Cores' worth of time that control groups allow; nil: no limit.
    private var cpuQuota: Double? {
        let group = text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }.map { $0.dropFirst(3) } ?? "/"
        var path = group.split(separator: "/"), least: Double?
        while true {
            let words = text("/sys/fs/cgroup/" + (path + ["cpu.max"]).joined(separator: "/")).split(whereSeparator: \.isWhitespace)
            if words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), period > 0 {
                least = min(least ?? .infinity, quota / period)
            }
            if path.isEmpty { return least }
            path.removeLast()
        }
    }

    private var blas: DoctorLine {
        let core = WeightGradientLibrary.core
        if let chosen = environment["OPENBLAS_CORETYPE"], !chosen.isEmpty {
            return .fine("OpenBLAS", "kernels for \(core), as OPENBLAS_CORETYPE=\(chosen) says; used with trainable=full only")
        }
        return .fine("OpenBLAS", "kernels for \(core); used with trainable=full only")
    }

    private var memory: DoctorLine {
        guard let available = NodeMemory(root: root).available else {
            return .advice(
                "memory", "the system does not say how much is left", "set memory.limit, so that a run that cannot fit is refused")
        }
        let size = ByteSize(available).roundedDown
        return available < 2 << 30
            ? .advice("memory", "\(size) left for programs", "the embedded task fits; a model of a billion parameters needs 4 GiB and more")
            : .fine("memory", "\(size) left for programs")
    }

    private var disk: [DoctorLine] {
        let manager = FileManager.default
        var existing = URL(fileURLWithPath: folder)
        while !manager.fileExists(atPath: existing.path), existing.path != "/" { existing = existing.deletingLastPathComponent() }
        var lines = [FolderCheck(path: existing.path, topic: "run folder", shown: folder).line]
        if let cache = PackedCache.folder(environment) {
            var place = URL(fileURLWithPath: cache)
            while !manager.fileExists(atPath: place.path), place.path != "/" { place = place.deletingLastPathComponent() }
            lines.append(FolderCheck(path: place.path, topic: "cache folder", shown: cache, isNeeded: false).line)
        } else {
            lines.append(.advice(
                "cache folder", "none is known: GFN_CACHE, XDG_CACHE_HOME and HOME are not set",
                "set GFN_CACHE, so that ranks of a node share one copy of a model"))
        }
        return lines
    }

    private var limits: [DoctorLine] {
        var lines: [DoctorLine] = []
        func soft(_ resource: __rlimit_resource) -> UInt? {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur != UInt.max else { return nil }
            return limit.rlim_cur
        }
        if let files = soft(RLIMIT_NOFILE), files < 256 {
            lines.append(.advice("limits", "\(files) open files (ulimit -n)", "raise it to 1024: MPI opens some for each rank"))
        }
        if let bytes = soft(RLIMIT_AS) {
            lines.append(.advice(
                "limits", "\(ByteSize(Int(clamping: bytes)).roundedDown) of address space (ulimit -v)",
                "set it to unlimited: mapped model files count, though they take no memory; memory.limit is the limit that counts right"))
        }
        if let bytes = soft(RLIMIT_FSIZE) {
            lines.append(.advice(
                "limits", "files may have \(ByteSize(Int(clamping: bytes)).roundedDown) (ulimit -f)",
                "set it to unlimited: a checkpoint may be larger"))
        }
        var shared = statvfs()
        if root.isEmpty, statvfs("/dev/shm", &shared) == 0 {
            let left = Int(clamping: shared.f_bavail) * Int(clamping: shared.f_frsize)
            if left < 16 << 20 * ranks {
                lines.append(.advice(
                    "limits", "/dev/shm has \(ByteSize(left).roundedDown) left, through which ranks of a node talk",
                    "enlarge it (docker run --shm-size=1g), or set OMPI_MCA_btl=self,tcp"))
            }
        }
        return lines.isEmpty ? [.fine("limits", "open files, address space, size of files and shared memory")] : lines
    }

    /// Variables that change what a run does or how it starts.
    private var launcher: [DoctorLine] {
        var lines: [DoctorLine] = []
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let tasks = value("SLURM_NTASKS") {
            let each = value("SLURM_CPUS_PER_TASK").map { ", \($0) cores each" } ?? ""
            lines.append(.fine("launcher", "a Slurm allocation of \(tasks) tasks\(each) on \(value("SLURM_JOB_NUM_NODES") ?? "?") nodes"))
        }
        if let name = value("GFN_STALL") {
            lines.append(.broken("launcher", "GFN_STALL is \(name), with which tests stop a rank", "unset it"))
        }
        if value("OMPI_MCA_hwloc_base_binding_policy") == nil, value("OMPI_COMM_WORLD_SIZE") == nil, (threads ?? 2) > 1 {
            lines.append(.fine(
                "launcher", "mpirun binds a rank to one core unless it is told otherwise: add --bind-to none where ranks have threads"))
        }
        return lines
    }

    private func text(_ path: String) -> String {
        FileManager.default.contents(atPath: root + path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// Cores by number.
struct CoreSet: Sendable, Equatable {
    let cores: [Int]
    var count: Int { cores.count }

    /// Those that this process may use, as the system says it; all, where it does not.
    static var ofThisProcess: CoreSet {
        let status = FileManager.default.contents(atPath: "/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        return line.flatMap { CoreSet($0.dropFirst("Cpus_allowed_list:".count).trimmingCharacters(in: .whitespaces)) }
            ?? CoreSet(cores: Array(0..<online))
    }

    init(cores: [Int]) { self.cores = cores }

    /// Of a list such as "0-3,8"; nil where it is none.
    init?(_ list: String) {
        var cores: [Int] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last, last < 1 << 20 else { return nil }
            cores += first...last
        }
        guard !cores.isEmpty else { return nil }
        self.cores = cores
    }

    static var online: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Such as "0-3,8".
    var text: String {
        var parts: [String] = [], index = 0
        while index < cores.count {
            var end = index
            while end + 1 < cores.count, cores[end + 1] == cores[end] + 1 { end += 1 }
            parts.append(end == index ? "\(cores[index])" : "\(cores[index])-\(cores[end])")
            index = end + 1
        }
        return parts.joined(separator: ",")
    }
}

/// Whether a folder can hold what a run writes: room, and files that can be written, synced, locked and renamed.
private struct FolderCheck {
    let path, topic, shown: String
    var isNeeded = true

    var line: DoctorLine {
        do {
            let milliseconds = try tryOut()
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { return .fine(topic, "\(shown) can be written") }
            let left = Int(clamping: status.f_bavail) * Int(clamping: status.f_frsize), size = ByteSize(left).roundedDown
            if left < 1 << 30 {
                return .advice(
                    topic, "\(shown) has \(size) left",
                    "make room: a checkpoint of a small model takes 100 MiB, and checkpoint.keep are kept")
            }
            return .fine(topic, "\(shown): \(size) left; written, synced, locked and renamed in \(decimals(milliseconds, 1)) ms")
        } catch {
            let other = isNeeded ? "name another with --output" : "set GFN_CACHE to another, or base.cache=never"
            return isNeeded ? .broken(topic, "\(shown): \(error)", other) : .advice(topic, "\(shown): \(error)", other)
        }
    }

    /// In milliseconds.
    private func tryOut() throws(RunError) -> Double {
        let start = ContinuousClock.now
        let (first, second) = ("\(path)/.gfn-dist-doctor-\(getpid())", "\(path)/.gfn-dist-doctor-\(getpid())-renamed")
        func fail(_ what: String) -> RunError { .inputOutput("it cannot be \(what) (\(String(cString: strerror(errno))))") }
        let descriptor = open(first, O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw fail("written to") }
        defer {
            close(descriptor)
            unlink(first)
            unlink(second)
        }
        let bytes = [UInt8](repeating: 7, count: 1 << 16)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw fail("written to") }
        guard fsync(descriptor) == 0 else { throw fail("synced") }
        if case .unavailable(let reason) = FileLock.take(descriptor) {
            throw .inputOutput("files in it cannot be locked (\(reason)), which keeps two runs from writing one folder")
        }
        guard rename(first, second) == 0 else { throw fail("renamed in") }
        return start.duration(to: .now).seconds * 1000
    }
}
