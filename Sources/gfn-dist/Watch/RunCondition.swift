internal import Foundation

/// What a run is doing, as its files tell.
enum RunCondition: Sendable, Equatable {
    case running
    /// Nothing was written for so many seconds.
    case silent(Double)
    case finished
    /// It ended before its last step.
    case stopped

    var isOver: Bool { self == .finished || self == .stopped }

    /// Who writes into the run folder.
    enum Writer: Sendable {
        case present, absent
        /// The file system cannot say.
        case unknown
    }

    /// - Parameters:
    ///   - isWritten: whether the final adapter or model is there.
    ///   - isComplete: whether all planned steps are done.
    ///   - age: seconds since something was written last.
    ///   - secondsPerStep: nil: no step is done.
    init(writer: Writer, isWritten: Bool, isComplete: Bool, age: Double, secondsPerStep: Double?) {
        // An evaluation or a checkpoint takes longer than a step.
        let patience = max(120, 20 * (secondsPerStep ?? 0))
        switch writer {
        case .present: self = age > patience ? .silent(age) : .running
        case .absent: self = isWritten && isComplete ? .finished : .stopped
        case .unknown: self = isWritten && isComplete ? .finished : age > patience ? .silent(age) : .running
        }
    }

    /// Who has the lock of a run folder. Not for the process that has it: closing the file would let go.
    static func writer(of folder: RunFolder) -> Writer {
        let descriptor = open(folder.path + "/.lock", O_RDONLY | O_CLOEXEC)
        // Runs make the file before anything else; a folder that was copied may lack it.
        guard descriptor >= 0 else { return errno == ENOENT ? .absent : .unknown }
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor, F_GETLK, &lock) == 0 else { return .unknown }
        return lock.l_type == Int16(F_UNLCK) ? .absent : .present
    }
}
