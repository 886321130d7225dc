internal import Foundation

/// The most memory that this process had at one time, in MiB, as the system keeps it (VmHWM).
enum PeakMemory {
    /// Forgets what was before, where the system allows it.
    static func restart() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        // Refused inside some containers: then the peak is that of the process's whole life.
        try? file.write(contentsOf: Data("5".utf8))
        try? file.close()
    }

    /// Nil where the system does not say.
    static var mebibytes: Double? {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 / 1024 }
    }
}
