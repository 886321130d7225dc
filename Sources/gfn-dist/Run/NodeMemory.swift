internal import Foundation

/// What a node has left of memory, as its system says it.
struct NodeMemory {
    /// Where the system's files are; tests lay some of their own below another folder.
    var root = ""

    /// Bytes that programs may have from now on: MemAvailable, and no more than each control group above this process leaves. Nil where
    /// the system does not say.
    var available: Int? {
        [meminfo, groups].compactMap { $0 }.min()
    }

    private var meminfo: Int? {
        for line in lines("/proc/meminfo") {
            let words = line.split(separator: " ")
            if words.count == 3, words[0] == "MemAvailable:", let kibibytes = Int(words[1]) { return kibibytes << 10 }
        }
        return nil
    }

    /// The least that a control group leaves; nil where none has a limit.
    private var groups: Int? {
        lines("/proc/self/cgroup").compactMap { line -> Int? in
            // hierarchy : controllers : path
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            if fields[1].isEmpty { return least(Self.second, below: "/sys/fs/cgroup", path: fields[2]) }
            guard fields[1].split(separator: ",").contains("memory") else { return nil }
            return least(Self.first, below: "/sys/fs/cgroup/memory", path: fields[2])
        }.min()
    }

    /// The files of a version of control groups: a limit, what is used, and what of that is content of files, which the system drops
    /// where memory is short.
    private typealias GroupFiles = (limit: String, usage: String, cached: [String])
    private static let first: GroupFiles = (
        "memory.limit_in_bytes", "memory.usage_in_bytes", ["total_active_file", "total_inactive_file"])
    private static let second: GroupFiles = ("memory.max", "memory.current", ["active_file", "inactive_file"])

    /// A group's limit holds for all below it. Where the path is not there, as in a container, the groups above it are.
    private func least(_ files: GroupFiles, below folder: String, path: Substring) -> Int? {
        var names = path.split(separator: "/")
        var left: [Int] = []
        while true {
            let group = ([folder] + names.map(String.init)).joined(separator: "/")
            // A group without a limit says max, or a number beyond all memory.
            if let limit = number("\(group)/\(files.limit)"), let usage = number("\(group)/\(files.usage)") {
                let cached = lines("\(group)/memory.stat").reduce(0) { sum, line in
                    let words = line.split(separator: " ")
                    guard words.count == 2, files.cached.contains(String(words[0])) else { return sum }
                    return sum + (Int(words[1]) ?? 0)
                }
                left.append(max(0, limit - max(0, usage - cached)))
            }
            if names.popLast() == nil { return left.min() }
        }
    }

    private func number(_ path: String) -> Int? { lines(path).first.flatMap { Int($0) } }

    /// None where the file cannot be read: not every system has each of them.
    private func lines(_ path: String) -> [Substring] {
        guard let text = try? String(contentsOfFile: root + path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n")
    }
}
