internal import Glibc

/// Another process, started without a shell.
package struct ChildProcess: ~Copyable {
    package enum End: Sendable, Equatable {
        case exited(Int32)
        case killed(signal: Int32)
        /// It was still there when its time was over, and has been killed.
        case overdue
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let identifier: pid_t

    /// - Parameters:
    ///   - output, errors: descriptors or files for what it writes.
    ///   - closing: descriptors of this process that are none of its business.
    package init(_ arguments: [String], output: Int32? = nil, outputPath: String = "/dev/null", errorsPath: String, closing: [Int32] = []) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        posix_spawn_file_actions_addopen(&actions, 2, errorsPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        for descriptor in closing { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // A trap says where it is in one line; drawing the stack takes longer than hundreds of cases.
        let environment = currentEnvironment() + ["SWIFT_BACKTRACE=enable=no"]
        let program = arguments[0]
        var identifier: pid_t = 0
        let status = withStrings(arguments) { arguments in
            withStrings(environment) { environment in
                posix_spawn(&identifier, program, &actions, nil, arguments, environment)
            }
        }
        guard status == 0 else { throw Failure(description: "\(arguments[0]) cannot be started: \(String(cString: strerror(status)))") }
        self.identifier = identifier
    }

    /// Waits for the end; afterwards it is gone, whatever it did. Returns the most memory it was seen with, in bytes, too.
    ///
    /// What the kernel says at the end (`ru_maxrss`) is of no use: it counts the memory of the process that started it.
    package consuming func wait(seconds: Double) -> (end: End, peakMemory: Int) {
        var waited = 0.0
        var status: Int32 = 0
        var peakMemory = 0
        while waitpid(identifier, &status, WNOHANG) != identifier {
            if waited > seconds {
                _ = Glibc.kill(identifier, SIGKILL)
                _ = waitpid(identifier, &status, 0)
                return (.overdue, peakMemory)
            }
            peakMemory = max(peakMemory, residentPeak(of: identifier))
            usleep(500)
            waited += 0.0005
        }
        let signal = status & 0x7F
        return (signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal), peakMemory)
    }

    package func kill() { _ = Glibc.kill(identifier, SIGKILL) }
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

private func currentEnvironment() -> [String] {
    var texts: [String] = []
    var next = environ
    while let text = next.pointee {
        let variable = String(cString: text)
        if !variable.hasPrefix("SWIFT_BACKTRACE=") { texts.append(variable) }
        next += 1
    }
    return texts
}

private func withStrings<Result>(_ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}
