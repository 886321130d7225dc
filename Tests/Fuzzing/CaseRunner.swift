internal import Glibc

/// What became of one damaged file.
package struct CaseOutcome: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// Accepted, and everything about it was right.
        case read
        /// Refused with a typed error, which says this.
        case refused(String)
        /// Neither, or not within the limits of time and memory.
        case failed(String)
    }
    package var verdict: Verdict
    /// Computing time of the reader, in seconds.
    package var seconds: Double
    /// The most that the reader had allocated at a time, in bytes.
    package var peakBytes: Int

    package init(verdict: Verdict, seconds: Double, peakBytes: Int) {
        (self.verdict, self.seconds, self.peakBytes) = (verdict, seconds, peakBytes)
    }
}

/// Makes cases of one format and lets its reader judge them, in this process.
package struct CaseRunner {
    /// What a reader may allocate beyond the size of what it reads, unless its format says otherwise.
    package static let memoryAllowance = 64 << 20
    /// In seconds of computing; without optimisation everything takes several times as long.
    package static let defaultTimeLimit: Double = {
        #if DEBUG
            8
        #else
            1
        #endif
    }()
    /// Longer lines of messages, or ones with control characters, are no message that a person can read.
    private static let longestMessage = 2000

    /// Counts allocations: `begin` is called before a reader, `peak` after it.
    package struct Meter: Sendable {
        package let begin: @Sendable () -> Void
        package let peak: @Sendable () -> Int

        package init(begin: @escaping @Sendable () -> Void, peak: @escaping @Sendable () -> Int) { (self.begin, self.peak) = (begin, peak) }
        /// Counts nothing.
        package static let none = Meter(begin: {}, peak: { 0 })
    }

    private let format: any FuzzFormat
    private let seed: UInt64
    private let folder: String
    private let timeLimit: Double
    private let meter: Meter

    /// - Parameters:
    ///   - folder: where the files of each case are put; made anew each time.
    ///   - timeLimit: in seconds of computing.
    package init(
        _ format: any FuzzFormat, seed: UInt64, folder: String, timeLimit: Double = CaseRunner.defaultTimeLimit, meter: Meter
    ) {
        (self.format, self.seed, self.folder) = (format, seed, folder)
        (self.timeLimit, self.meter) = (timeLimit, meter)
    }

    package func mutant(_ number: Int) -> Mutant {
        var random = FuzzRandom(seed: seed, format: format.name, number: number)
        return format.mutant(using: &random)
    }

    /// Throws when the files cannot be written.
    package func run(_ number: Int) throws -> CaseOutcome {
        let mutant = mutant(number)
        try write(mutant.files, to: folder)
        let start = Self.now()
        meter.begin()
        var verdict: CaseOutcome.Verdict
        do {
            try format.read(mutant, in: folder)
            verdict = .read
        } catch let broken as BrokenInvariant {
            verdict = .failed(broken.description)
        } catch {
            verdict = format.isRefusal(error) ? .refused("\(error)") : .failed("an error of type \(type(of: error)), which is not one of the reader's: \(error)")
        }
        let peakBytes = format.measuresItself ? 0 : meter.peak()
        let seconds = Self.now() - start
        switch verdict {
        case .refused(let message) where !Self.isReadable(message):
            verdict = .failed("a line of the message is very long or has a control character: \(message.prefix(300).debugDescription)")
        case .failed: break
        default:
            if seconds > timeLimit { verdict = .failed("it took \(seconds) s, at most \(timeLimit) s are allowed") }
            let allowed = mutant.byteCount + format.memoryAllowance
            if peakBytes > allowed { verdict = .failed("it allocated \(peakBytes) bytes for a file of \(mutant.byteCount)") }
        }
        return CaseOutcome(verdict: verdict, seconds: seconds, peakBytes: peakBytes)
    }

    private static func isReadable(_ message: String) -> Bool {
        message.split(separator: "\n").allSatisfy { line in
            line.unicodeScalars.count <= longestMessage && !line.utf8.contains { $0 < 0x20 }
        }
    }

    /// Computing time of this process: how busy the machine is does not matter.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
