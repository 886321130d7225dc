internal import Foundation
internal import Synchronization

/// Waiting until others leave the machine alone, for samples that are worth something.
final class QuietMachine: Sendable {
    private let longest, total, share: Double
    /// Seconds that this process waited so far.
    private let waited = Mutex(0.0)
    private static let secondsOfLook = 0.3

    /// - Parameters:
    ///   - longest: seconds before one sample, at most; 0: never.
    ///   - total: seconds of this process, at most.
    ///   - share: of the machine, below which what others use is quiet.
    init(longest: Double, total: Double, share: Double) {
        (self.longest, self.total, self.share) = (longest, total, share)
    }

    /// Returns when the machine is quiet, when it was waited for long enough, or at once where nobody knows.
    func wait() {
        waited.withLock { waited in
            let end = min(longest, total - waited)
            var seconds = 0.0
            while seconds < end {
                let meter = LoadMeter()
                Thread.sleep(forTimeInterval: Self.secondsOfLook)
                let reading = meter.read()
                seconds += reading.seconds
                if reading.foreign < share { break }
            }
            waited += seconds
        }
    }
}
