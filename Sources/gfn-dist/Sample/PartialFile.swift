internal import Foundation

/// `FILE.partial`: what a call has written so far, which becomes `FILE` when it is complete. The process that opened it has its lock.
struct PartialFile: Sendable {
    let path: String
    private let target: String
    private let descriptor: Int32

    private init(path: String, target: String, descriptor: Int32) {
        (self.path, self.target, self.descriptor) = (path, target, descriptor)
    }

    /// Opens the file for the lines of `target`, and locks it.
    ///
    /// - Parameter resuming: goes on with the file that is there, or begins where none is.
    /// - Returns: nil: there is nothing to go on with, because `target` is complete.
    static func open(for target: String, resuming: Bool) throws(RunError) -> PartialFile? {
        let path = target + ".partial"
        while true {
            var descriptor = resuming ? Glibc.open(path, O_RDWR | O_CLOEXEC) : -1
            if descriptor < 0, !resuming || errno == ENOENT {
                if resuming, access(target, F_OK) == 0 { return nil }
                descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
                if descriptor < 0, errno == EEXIST, resuming { continue }
            }
            guard descriptor >= 0 else {
                if errno == EEXIST { throw left(path) }
                throw .inputOutput("\(target) cannot be written: \(path): \(String(cString: strerror(errno)))")
            }
            switch FileLock.take(descriptor) {
            case .taken: break
            case .unavailable(let reason):
                Launch.say("\(path) cannot be locked (\(reason)): see to it that no other call writes there")
            case .held:
                close(descriptor)
                throw .configuration("another process writes \(path): wait for its end, or name another file with --output")
            }
            if isStill(descriptor, at: path) { return PartialFile(path: path, target: target, descriptor: descriptor) }
            // Whoever had the lock has ended well, and put the file in its place.
            close(descriptor)
        }
    }

    private static func left(_ path: String) -> RunError {
        .configuration(
            "\(path) is there, of a call that was stopped or has not ended: go on with it by --resume, or remove it to begin anew")
    }

    private static func isStill(_ descriptor: Int32, at path: String) -> Bool {
        var (mine, there) = (stat(), stat())
        return fstat(descriptor, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev
    }

    /// Gives every whole line to `body`, without its end, and returns how many bytes they are; a last line without an end is none.
    func readLines(_ body: ([UInt8]) throws -> Void) throws -> Int {
        var (chunk, line) = ([UInt8](repeating: 0, count: 1 << 20), [UInt8]())
        var (position, whole) = (0, 0)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunError.inputOutput("\(path) cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { return whole }
            var rest = chunk[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[..<end]
                try body(line)
                line.removeAll(keepingCapacity: true)
                whole = position + end + 1
                rest = rest[(end + 1)...]
            }
            line += rest
            position += count
        }
    }

    /// Keeps so many bytes and goes on behind them.
    func cut(to length: Int) throws(RunError) {
        guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, off_t(length), SEEK_SET) >= 0 else { throw unwritable() }
    }

    func append(_ bytes: [UInt8]) throws(RunError) {
        if let reason = writeAll(bytes, to: descriptor) { throw unwritable(reason) }
    }

    /// Puts the file in its place.
    func finish() throws(RunError) {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else { throw unwritable() }
    }

    /// Leaves nothing behind where nothing was written.
    func removeIfEmpty() {
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_size == 0, Self.isStill(descriptor, at: path) { unlink(path) }
    }

    private func unwritable(_ reason: String = String(cString: strerror(errno))) -> RunError {
        .inputOutput("\(path) cannot be written: \(reason); make room and go on with --resume")
    }
}
