internal import Glibc

/// Writes a file beside its place and renames it when it is complete: whoever reads sees the old one or the new one.
///
/// As with C's streams, a failed write is remembered and reported by `finish`.
final class SideFile {
    private let path: String
    private let sidePath: String
    private let stream: UnsafeMutablePointer<FILE>
    private var failure: String?
    private var isFinished = false

    init(replacing path: String) throws(ModelFileError) {
        self.path = path
        sidePath = "\(path).partial-\(getpid())"
        guard let stream = fopen(sidePath, "wbe") else {
            throw .inaccessible(path: path, reason: MappedFile.lastError())
        }
        self.stream = stream
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        guard failure == nil, let base = bytes.baseAddress else { return }
        if fwrite(base, 1, bytes.count, stream) != bytes.count { failure = MappedFile.lastError() }
    }

    /// Flushes to the disk and puts the file in its place.
    func finish() throws(ModelFileError) {
        if failure == nil, fflush(stream) != 0 || fsync(fileno(stream)) != 0 || rename(sidePath, path) != 0 {
            failure = MappedFile.lastError()
        }
        if let failure { throw .inaccessible(path: path, reason: failure) }
        isFinished = true
    }

    deinit {
        fclose(stream)
        if !isFinished { unlink(sidePath) }
    }

    static func write(_ bytes: [UInt8], to path: String) throws(ModelFileError) {
        let file = try SideFile(replacing: path)
        bytes.withUnsafeBytes { file.write($0) }
        try file.finish()
    }

    /// Makes a folder and those above it, where they are not there yet.
    static func makeFolder(_ path: String) throws(ModelFileError) {
        if MappedFile.isFolder(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o777) == 0 || MappedFile.isFolder(path) else {
            throw .inaccessible(path: path, reason: MappedFile.lastError())
        }
    }
}
