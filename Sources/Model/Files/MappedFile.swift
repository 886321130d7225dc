internal import Glibc

/// A whole regular file, mapped read-only for as long as this object lives.
///
/// The pages are shared between all processes that map the file, and read only when touched. A file that another
/// program shortens meanwhile ends this one with a bus error: files are replaced by renaming, never rewritten.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws(ModelFileError) {
        if path.utf8.contains(0) { throw .inaccessible(path: path, reason: "the name holds a NUL character") }
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .inaccessible(path: path, reason: MappedFile.lastError()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .inaccessible(path: path, reason: MappedFile.lastError()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .inaccessible(path: path, reason: "it is not a regular file")
        }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw .inaccessible(path: path, reason: MappedFile.lastError())
        }
        bytes = UnsafeRawBufferPointer(start: base, count: count)
    }

    deinit {
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }

    /// The bytes, which are there for as long as `body` runs.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(self) { body(bytes) }
    }

    static func lastError() -> String { String(cString: strerror(errno)) }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
