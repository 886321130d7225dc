import Foundation
import Processes
import Testing

@Suite("Other processes")
struct ChildProcessTests {
    /// What `sh` prints, and how it ended.
    private func shell(
        _ script: String, _ words: [String] = [], environment: [String: String] = [:], in folder: String? = nil, seconds: Double = 20
    ) throws -> (output: String, end: ChildProcess.End) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-child-\(UUID().uuidString)").path
        defer { unlink(file) }
        let child = try ChildProcess(["sh", "-c", script, "sh"] + words, environment: environment, in: folder, output: .file(file))
        let end = child.wait(seconds: seconds)
        #expect(!child.isRunning)
        return (try String(contentsOfFile: file, encoding: .utf8), end)
    }

    @Test("an end is an exit code or a signal, and what is written is in the file")
    func ends() throws {
        #expect(try shell("echo a; exit 7") == ("a\n", .exited(7)))
        #expect(try shell("kill -9 $$").end == .killed(signal: 9))
        #expect(try shell("printf '%s|' \"$@\"", ["", "a b", "$HOME", "é"]) == ("|a b|$HOME|é|", .exited(0)))
    }

    @Test("who has ended is not waited for because of those that it started")
    func orphans() throws {
        let start = ContinuousClock.now
        let (output, end) = try shell("sleep 40 & echo $!; exit 3")
        let orphan = try #require(pid_t(output.trimmingCharacters(in: .newlines)))
        defer { kill(orphan, SIGKILL) }
        #expect(end == .exited(3) && ContinuousClock.now - start < .seconds(20))
        #expect(kill(orphan, 0) == 0)
    }

    @Test("who takes too long is asked to end first, and can clear up; that it ended then is no end of its own")
    func lastRequest() throws {
        #expect(try shell("trap 'echo cleared; exit 0' TERM; sleep 40 & wait", seconds: 0.5) == ("cleared\n", .overdue))
    }

    @Test("who takes too long and does not listen is killed, with those that it started")
    func overdue() throws {
        let (output, end) = try shell("trap '' TERM; sleep 40 & echo $!; sleep 40", seconds: 0.5)
        #expect(end == .overdue)
        let started = try #require(pid_t(output.trimmingCharacters(in: .newlines)))
        // It is a zombie, or gone, according to who takes orphans in.
        var isGone = false
        for _ in 0..<1000 where !isGone {
            let status = FileManager.default.contents(atPath: "/proc/\(started)/status").map { String(decoding: $0, as: UTF8.self) }
            isGone = status?.contains("State:\tZ") ?? true
            usleep(5000)
        }
        #expect(isGone)
    }

    @Test("a signal arrives, also one that is ignored here")
    func signals() throws {
        let before = signal(SIGINT, SIG_IGN)
        defer { signal(SIGINT, before) }
        let child = try ChildProcess(["sleep", "40"])
        #expect(child.isRunning)
        child.send(SIGINT)
        #expect(child.wait(seconds: 20) == .killed(signal: SIGINT))
        child.send(SIGTERM)
    }

    @Test("variables are added or replaced, the folder is the one that is named, and no descriptor is handed on")
    func surroundings() throws {
        #expect(try shell("echo $GFN_A $PATH", environment: ["GFN_A": "1", "PATH": "/bin:/usr/bin"]).output == "1 /bin:/usr/bin\n")
        #expect(try shell("pwd", in: "/usr/bin").output == "/usr/bin\n")
        let open = open("/dev/null", O_RDONLY)
        defer { close(open) }
        #expect(try shell("ls /proc/$$/fd").output == "0\n1\n2\n")
    }

    @Test("what is not there, or may not be run, is an error that names it")
    func refusals() {
        func said(_ words: [String]) -> String? {
            do { _ = try ChildProcess(words) } catch { return error.description }
            return nil
        }
        #expect(said(["gfn-no-such-command"]) == "gfn-no-such-command was not found in PATH")
        #expect(said(["/no/such/command"]) == "/no/such/command was not found")
        #expect(said(["/etc/passwd"]) == "/etc/passwd cannot be started: Permission denied")
    }

    @Test("CPU time and memory are those of the process")
    func usage() throws {
        let child = try ChildProcess(["sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"])
        #expect(child.wait(seconds: 60) == .exited(0))
        #expect(child.usage.cpuSeconds > 0.01 && child.usage.cpuSeconds < 60)
        // A shell takes a megabyte or two; this process takes more than thirty.
        #expect(child.usage.peakMemory > 200_000 && child.usage.peakMemory < 16 << 20)
    }
}
