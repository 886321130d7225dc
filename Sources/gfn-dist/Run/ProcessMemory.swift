internal import Foundation

/// What a process has of memory, in bytes: pages of its own, and those of files and shared memory, which other processes may map as well.
struct ProcessMemory: Sendable, Equatable {
    let own, mapped: Int
    /// The most that both together have been since the process began (VmHWM).
    let peak: Int

    /// The most that its own pages can have been: mapped ones are hardly given back before the end.
    var peakOwn: Int { max(own, peak - mapped) }

    /// - Parameter status: the text of `/proc/<process>/status`. Nil where it does not say all of this.
    init?(status: String) {
        var bytes: [Substring: Int] = [:]
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 3, words[2] == "kB", let kibibytes = Int(words[1]) { bytes[words[0].dropLast()] = kibibytes << 10 }
        }
        guard let own = bytes["RssAnon"], let files = bytes["RssFile"], let shared = bytes["RssShmem"], let peak = bytes["VmHWM"] else {
            return nil
        }
        (self.own, mapped, self.peak) = (own, files + shared, peak)
    }

    /// Gives pages that the allocator holds, and nothing uses, back to the system; where the C library cannot (it is glibc's), nothing happens.
    static func giveBack() { _ = trim?(0) }

    /// `malloc_trim`, whose header the Glibc module lacks.
    private static let trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) @Sendable (Int) -> Int32).self) }

    /// Of this process; nil where the system does not say.
    static var current: ProcessMemory? {
        FileManager.default.contents(atPath: "/proc/self/status").flatMap { ProcessMemory(status: String(decoding: $0, as: UTF8.self)) }
    }
}
