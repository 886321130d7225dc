internal import Foundation

/// Times one sample, and what the machine did meanwhile.
struct LoadMeter {
    private let wall = ContinuousClock.now
    private let own = Self.ownSeconds()
    private let machine = Self.machineSeconds()

    /// Wall seconds; the share of the machine that others used, 0 to 1, −1 where it is not known; own CPU seconds per second.
    struct Reading {
        let seconds: Double
        let foreign: Double
        let cores: Double
    }

    /// CPU seconds of this process since the sample's start.
    var ownSecondsSoFar: Double { Self.ownSeconds() - own }

    /// - Parameter children: CPU seconds that processes of this one used meanwhile, which then are its own.
    func read(children: Double = 0) -> Reading {
        let seconds = (ContinuousClock.now - wall) / .seconds(1)
        let own = ownSecondsSoFar + children
        var foreign = -1.0
        // Below 50 ms the kernel's tick of 10 ms says nothing.
        if seconds >= 0.05, let before = machine, let after = Self.machineSeconds() {
            let cores = Double(ProcessInfo.processInfo.processorCount)
            foreign = min(1, max(0, (after - before - own) / (cores * seconds)))
        }
        return Reading(seconds: seconds, foreign: foreign, cores: own / max(seconds, 1e-9))
    }

    /// CPU seconds of all threads of this process.
    private static func ownSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Busy CPU seconds of the machine since it started, with what the hypervisor took; nil where /proc/stat is not there.
    private static func machineSeconds() -> Double? {
        guard let text = FileManager.default.contents(atPath: "/proc/stat") else { return nil }
        let line = String(decoding: text.prefix { $0 != 10 }, as: UTF8.self)
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard fields.count == 8 else { return nil }
        // user nice system idle iowait irq softirq steal
        return (fields.reduce(0, +) - fields[3] - fields[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
