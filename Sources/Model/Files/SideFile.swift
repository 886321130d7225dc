internal import Glibc

/// Writes a file beside its place and renames it when it is complete: whoever reads sees the old one or the new one.
///
/// As with C's streams, a failed write is remembered and reported by `finish`. Foundation's `Data.write` takes a write that wrote
/// half for the whole (Swift 6.3 on Linux), so every file of the program that is replaced as a whole is written here.
package final class SideFile {
    let path: String
    private let sidePath: String
    private let descriptor: Int32
    /// What is not written yet: a file has hundreds of small tensors.
    private var buffer: [UInt8] = []
    private var failure: String?
    private var isFinished = false

    init(replacing path: String) throws(ModelFileError) {
        self.path = path
        sidePath = "\(path).partial-\(getpid())"
        descriptor = open(sidePath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        if buffer.count + bytes.count <= 1 << 20 {
            buffer += bytes
        } else {
            flush()
            put(bytes)
        }
    }

    private func flush() {
        buffer.withUnsafeBytes { put($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func put(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while failure == nil, !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { failure = MappedFile.lastError() }
        }
    }

    /// Flushes to the disk and puts the file in its place.
    func finish() throws(ModelFileError) {
        flush()
        if failure == nil, fsync(descriptor) != 0 || rename(sidePath, path) != 0 { failure = MappedFile.lastError() }
        if let failure { throw .unwritable(path: path, reason: failure) }
        isFinished = true
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(sidePath) }
    }

    package static func write(_ bytes: [UInt8], to path: String) throws(ModelFileError) {
        let file = try SideFile(replacing: path)
        bytes.withUnsafeBytes { file.write($0) }
        try file.finish()
    }

    /// Copies a file, byte for byte.
    static func copy(_ source: String, to path: String) throws(ModelFileError) {
        let (content, file) = (try MappedFile(source), try SideFile(replacing: path))
        content.withBytes { file.write($0) }
        try file.finish()
    }

    /// Makes a folder and those above it, where they are not there yet.
    package static func makeFolder(_ path: String) throws(ModelFileError) {
        if MappedFile.isFolder(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o777) == 0 || MappedFile.isFolder(path) else {
            throw .unwritable(path: path, reason: MappedFile.lastError())
        }
    }
}
