internal import Foundation

/// A file of lines that another process appends to, read bit by bit: each look reads what came since the last one.
struct FollowedLog {
    let path: String
    /// Where the next look begins.
    private var offset = 0
    private var file: UInt = 0
    /// A last line that is not whole yet.
    private var rest: [UInt8] = []

    init(_ path: String) { self.path = path }

    struct Look {
        /// The file was begun anew, as a resumed run does: what was read before holds no more.
        var isNew = false
        /// Whole lines.
        var lines: [String] = []
        /// When the file was last written, in seconds since 1970; nil: it is not there.
        var writtenAt: Double?
    }

    /// - Throws: `RunError.inputOutput` where the file is there and cannot be read.
    mutating func look() throws(RunError) -> Look {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return Look() }
            throw failure()
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure() }
        var look = Look(writtenAt: Double(status.st_mtim.tv_sec) + 1e-9 * Double(status.st_mtim.tv_nsec))
        if UInt(status.st_ino) != file || Int(status.st_size) < offset {
            look.isNew = file != 0
            (file, offset, rest) = (UInt(status.st_ino), 0, [])
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            guard count > 0 else { return look }
            offset += count
            rest += buffer[..<count]
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            look.lines += rest[..<end].split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            rest.removeSubrange(...end)
        }
    }

    private func failure() -> RunError { .inputOutput("\(path) cannot be read (\(String(cString: strerror(errno))))") }
}
