internal import CProcesses
internal import Glibc
internal import Synchronization

/// Another process, started without a shell, in a process group and with signals of its own.
///
/// Foundation's `Process` takes a process to be running for as long as anybody has a certain socket open that it hands to it, and a
/// process hands its descriptors on to its own children (swiftlang/swift-corelibs-foundation, issue 4795): who waits for the end of a
/// `mpirun` that was killed waits for whatever it had started, without a limit. Here the kernel says when a process has ended.
package final class ChildProcess: Sendable {
    package enum End: Sendable, Equatable {
        case exited(Int32)
        case killed(signal: Int32)
        /// It was still there when its time was over, and has been killed.
        case overdue

        /// The exit code, or else the number of the signal.
        package var code: Int32 {
            switch self {
            case .exited(let code): code
            case .killed(let signal): signal
            case .overdue: SIGKILL
            }
        }
    }

    /// What it took from its start to its end, with the children that it waited for.
    package struct Usage: Sendable {
        /// CPU seconds of all its threads.
        package var cpuSeconds = 0.0
        /// The most memory that it was seen with, in bytes. The kernel's own figure (`ru_maxrss`) is none: it begins with the memory of
        /// the process that started it.
        package var peakMemory = 0
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// Where what it writes goes.
    package enum Output: Sendable {
        /// A file, which is made, or emptied.
        case file(String)
        case descriptor(Int32)
    }

    /// For who starts many that are meant to fail: a trap says where it is in one line; drawing the stack takes far longer.
    package static let terse = ["SWIFT_BACKTRACE": "enable=no"]

    private struct State {
        var end: End?
        var usage = Usage()
    }

    package let identifier: Int32
    private let state = Mutex(State())

    /// Starts `words[0]`, which is looked for in PATH where it has no slash. It has the signals that a shell would give it, nothing on
    /// standard input, and no other descriptors than the three.
    ///
    /// - Parameters:
    ///   - environment: variables besides those of this process, or in their place.
    ///   - folder: its current folder; that of this process where it is nil.
    package init(
        _ words: [String], environment: [String: String] = [:], in folder: String? = nil, output: Output = .file("/dev/null"),
        errors: Output = .file("/dev/null")
    ) throws(Failure) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (number, place) in [(Int32(1), output), (2, errors)] {
            switch place {
            case .file(let path): posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            case .descriptor(let other): posix_spawn_file_actions_adddup2(&actions, other, number)
            }
        }
        gfn_spawn_add_close_from(&actions, 3)
        if let folder { gfn_spawn_add_folder(&actions, folder) }
        // Swift's worker threads block most signals, and whoever started this process may have it ignore some: both would be inherited.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var started = pid_t()
        let failure = withStrings(words) { words in
            withStrings(Self.environment(with: environment)) { posix_spawnp(&started, words[0]!, &actions, &attributes, words, $0) }
        }
        guard failure != ENOENT else { throw Failure(description: "\(words[0]) was not found\(words[0].utf8.contains(0x2F) ? "" : " in PATH")") }
        guard failure == 0 else { throw Failure(description: "\(words[0]) cannot be started: \(String(cString: strerror(failure)))") }
        identifier = started
    }

    package var isRunning: Bool { look() == nil }

    /// What it has taken; of its CPU time nothing before it has ended.
    package var usage: Usage { state.withLock { $0.usage } }

    /// Waits for the end. A process that takes longer than that is asked to end, so that it can end what it has started elsewhere, as
    /// `mpirun` does; after two seconds more it is killed, and what it has started within its group.
    package func wait(seconds: Double) -> End {
        if let end = end(within: seconds) { return end }
        send(SIGTERM)
        if end(within: 2) != nil {
            state.withLock { $0.end = .overdue }
            return .overdue
        }
        state.withLock { state in
            // Not reaped, so the number is still its own.
            guard state.end == nil else { return }
            Glibc.kill(-identifier, SIGKILL)
            while waitpid(identifier, nil, 0) < 0, errno == EINTR {}
            state.end = .overdue
        }
        return look() ?? .overdue
    }

    /// The end, where it comes in time.
    private func end(within seconds: Double) -> End? {
        let start = ContinuousClock.now
        while true {
            if let end = look() { return end }
            let waited = start.duration(to: .now) / .seconds(1)
            if waited > seconds { return nil }
            // A hundredth of what has passed: looking takes some 20 µs, and who is timed should not feel it.
            usleep(UInt32(1e6 * min(max(0.01 * waited, 0.0005), 0.01)))
        }
    }

    /// Sends it a signal; nothing where it has ended.
    package func send(_ signal: Int32) {
        state.withLock { state in
            if state.end == nil { Glibc.kill(identifier, signal) }
        }
    }

    /// The end, where it has come.
    private func look() -> End? {
        state.withLock { state in
            if let end = state.end { return end }
            state.usage.peakMemory = max(state.usage.peakMemory, residentPeak(of: identifier))
            var (status, usage) = (Int32(), rusage())
            guard wait4(identifier, &status, WNOHANG, &usage) == identifier else { return nil }
            func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + 1e-6 * Double(time.tv_usec) }
            state.usage.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
            let signal = status & 0x7F
            state.end = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
            return state.end
        }
    }

    /// This process's variables with some of them set, as `NAME=value`.
    private static func environment(with changes: [String: String]) -> [String] {
        var (texts, next) = ([String](), environ)
        while let text = next.pointee {
            let variable = String(cString: text)
            if changes[String(variable.prefix { $0 != "=" })] == nil { texts.append(variable) }
            next += 1
        }
        return texts + changes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}

/// The most memory that a process has had since it began its program, in bytes; 0 when it is gone.
private func residentPeak(of identifier: pid_t) -> Int {
    guard let file = fopen("/proc/\(identifier)/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("VmHWM:") else { continue }
        return (text.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
    return 0
}

private func withStrings<Result>(_ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}
