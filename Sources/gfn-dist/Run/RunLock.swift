internal import Foundation

/// The right to write into a run folder: one process at a time has it, on any host, until it ends.
enum RunLock {
    /// Takes the lock of `folder` for the rest of this process, however that ends.
    ///
    /// Throws when another process has the lock; a file system that cannot lock is said, and not a reason to stop.
    static func take(_ folder: RunFolder) throws(RunError) {
        let path = folder.path + "/.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .inputOutput("\(path) could not be opened for writing (\(lastError()))") }
        switch FileLock.take(descriptor) {
        case .taken:
            // Says who has it; that it is had is the kernel's to say.
            let owner = Data("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
            var (written, isWritable) = (0, ftruncate(descriptor, 0) == 0)
            while isWritable, written < owner.count {
                let rest = owner.dropFirst(written)
                let count = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(written)) }
                if count >= 0 { written += count } else { isWritable = errno == EINTR }
            }
            guard isWritable else { throw .inputOutput("\(path) could not be written (\(lastError()))") }
        case .unavailable(let reason):
            close(descriptor)
            Launch.say("\(folder.path) cannot be locked (\(reason)): see to it that no other run writes there")
        case .held:
            defer { close(descriptor) }
            throw .configuration("\(owner(descriptor)) runs in \(folder.path): wait for its end, or name another folder with --output")
        }
    }

    /// Who has the lock, as the file says.
    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 300)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? "another process" : text
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}
