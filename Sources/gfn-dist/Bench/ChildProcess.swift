internal import Foundation

/// This program in a process of its own, from its start to its end.
struct ChildProcess {
    /// CPU seconds of all its threads.
    let cpuSeconds: Double
    let peakMebibytes: Double

    /// Runs it with these arguments and waits for its end. Throws where it cannot be started, and what it said where it fails.
    init(_ arguments: [String]) throws {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let errors = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-bench-\(UUID().uuidString)").path
        defer { unlink(errors) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child = pid_t()
        let failure = posix_spawn(&child, program, &actions, nil, &words, environ)
        guard failure == 0 else { throw RunError.inputOutput("\(program) cannot be started: \(String(cString: strerror(failure)))") }
        var status: Int32 = 0, usage = rusage()
        while wait4(child, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw RunError.inputOutput("\(program) is not waited for: \(String(cString: strerror(errno)))") }
        }
        guard status == 0 else {
            let said = FileManager.default.contents(atPath: errors).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw RunError.inputOutput(
                "gfn-dist \(arguments.joined(separator: " ")) failed: \(said.trimmingCharacters(in: .whitespacesAndNewlines))")
        }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + 1e-6 * Double(time.tv_usec) }
        cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        peakMebibytes = Double(usage.ru_maxrss) / 1024
    }
}
