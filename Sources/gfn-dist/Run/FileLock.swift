internal import Foundation

/// The right to write a file, which one process at a time has, on any host, until it ends.
///
/// Locks of fcntl are those that NFS knows, children do not inherit them, and the kernel lets them go with the process. So the descriptor
/// stays open; and nothing may open the file once more, since closing any descriptor of it would let go as well.
enum FileLock {
    enum Outcome {
        case taken
        /// Another process has it.
        case held
        /// The file system cannot lock.
        case unavailable(reason: String)
    }

    private static let patience = Duration.seconds(3)

    /// Takes the lock of an open file for the rest of this process, however that ends, and waits a little for it: the ranks of a job
    /// that was killed take a moment to go.
    static func take(_ descriptor: Int32) -> Outcome {
        let start = ContinuousClock.now
        while true {
            var lock = flock()
            lock.l_type = Int16(F_WRLCK)
            lock.l_whence = Int16(SEEK_SET)
            if fcntl(descriptor, F_SETLK, &lock) == 0 { return .taken }
            guard errno == EACCES || errno == EAGAIN else { return .unavailable(reason: String(cString: strerror(errno))) }
            if ContinuousClock.now - start > patience { return .held }
            usleep(50_000)
        }
    }
}
