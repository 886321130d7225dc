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
        ProcessMemory.current.map { Double($0.peak) / 1_048_576 }
    }
}
