internal import Glibc
internal import Tensor

/// One part of a model's packed weights in a file.
///
///     0…7    "gfnpack1"       8…15   bytes of content, Int64       16…79   SHA-256 of the content (`ContentDigest`), hexadecimal
///     4,096…                  content, as it lies in memory
///
/// It is written beside its place, through a mapping, and renamed when it is whole. What it holds is compared with its digest when a
/// node first opens it; `<path>.checked-<host>` then says so until the node is started again or the file changes.
final class PackedFile {
    private static let magic = Array("gfnpack1".utf8), headerBytes = 4096

    /// To be packed into, zeroed.
    let arena: MemoryArena
    private let path: String
    private let sidePath: String
    private let descriptor: Int32
    private var isFinished = false

    /// Makes the file, with all of its room on the disk.
    init(_ path: String, byteCount: Int) throws(ModelFileError) {
        self.path = path
        sidePath = "\(path).partial-\(getpid())"
        descriptor = Glibc.open(sidePath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        // Without room, a write to the mapping would end the process.
        let code = posix_fallocate(descriptor, 0, off_t(Self.headerBytes + byteCount))
        let mapping = code == 0
            ? mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(Self.headerBytes)) : MAP_FAILED
        guard let mapping, mapping != MAP_FAILED else {
            let reason = code == 0 ? MappedFile.lastError() : String(cString: strerror(code))
            close(descriptor)
            unlink(sidePath)
            throw .unwritable(path: path, reason: reason)
        }
        arena = MemoryArena(mapping: UnsafeMutableRawBufferPointer(start: mapping, count: byteCount))
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(sidePath) }
    }

    /// Puts the file in its place; its arena can only be read from then on.
    func finish(_ parallel: Parallel) throws(ModelFileError) {
        let digest = ContentDigest.hexadecimal(of: UnsafeRawBufferPointer(arena.bytes), parallel)
        var header = Self.magic
        withUnsafeBytes(of: Int64(arena.bytes.count).littleEndian) { header += $0 }
        header += Array(digest.utf8)
        guard pwrite(descriptor, header, header.count, 0) == header.count, fsync(descriptor) == 0,
            mprotect(arena.bytes.baseAddress, arena.bytes.count, PROT_READ) == 0, rename(sidePath, path) == 0
        else { throw .unwritable(path: path, reason: MappedFile.lastError()) }
        isFinished = true
        Self.noteChecked(path, descriptor)
    }

    /// What a process that was killed has left of this file; for who has the lock.
    static func removeUnfinished(_ path: String) {
        let parts = path.split(separator: "/"), folder = path.dropLast((parts.last?.count ?? 0) + 1)
        guard let name = parts.last, let list = opendir(String(folder)) else { return }
        defer { closedir(list) }
        while let entry = readdir(list) {
            let found = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if found.hasPrefix("\(name).partial-") { unlink("\(folder)/\(found)") }
        }
    }

    /// Maps the content of a file, for reading only. Nil: there is no such file.
    ///
    /// Throws where it is not what was written.
    static func open(_ path: String, byteCount: Int, _ parallel: Parallel) throws(ModelFileError) -> MemoryArena? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .inaccessible(path: path, reason: MappedFile.lastError())
        }
        defer { close(descriptor) }
        func damaged(_ field: String, _ expected: String, _ found: String) -> ModelFileError {
            .malformed(path: path, field: field, expected: expected, found: found)
        }
        var header = [UInt8](repeating: 0, count: magic.count + 8 + 64)
        let size = lseek(descriptor, 0, SEEK_END)
        guard size == headerBytes + byteCount, pread(descriptor, &header, header.count, 0) == header.count else {
            throw damaged("the file's size", "\(headerBytes + byteCount) bytes", "\(size) bytes")
        }
        let count = header.withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(fromByteOffset: magic.count, as: Int64.self)) }
        guard header.starts(with: magic), count == byteCount else { throw damaged("the header", "one of packed weights", "another one") }
        guard let base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, off_t(headerBytes)), base != MAP_FAILED else {
            throw .inaccessible(path: path, reason: MappedFile.lastError())
        }
        let arena = MemoryArena(mapping: UnsafeMutableRawBufferPointer(start: base, count: byteCount))
        if !isChecked(path, descriptor) {
            let expected = String(decoding: header[(magic.count + 8)...], as: UTF8.self)
            let found = ContentDigest.hexadecimal(of: UnsafeRawBufferPointer(arena.bytes), parallel)
            guard found == expected else { throw damaged("the digest of the content", expected.printable(), found) }
            noteChecked(path, descriptor)
        }
        return arena
    }

    private static func isChecked(_ path: String, _ descriptor: Int32) -> Bool {
        guard let note = checkNote(descriptor), let file = try? MappedFile("\(path).checked-\(host)") else { return false }
        return file.withBytes { $0.elementsEqual(note.utf8) }
    }

    /// Where that cannot be written, the content is compared again the next time.
    private static func noteChecked(_ path: String, _ descriptor: Int32) {
        if let note = checkNote(descriptor) { try? SideFile.write(Array(note.utf8), to: "\(path).checked-\(host)") }
    }

    /// The start of the node and the state of the file; nil where the system does not tell.
    private static func checkNote(_ descriptor: Int32) -> String? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let start = readText("/proc/sys/kernel/random/boot_id") else { return nil }
        return "\(start) \(FileIdentity(status).text)"
    }

    private static func readText(_ path: String) -> String? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count).prefix { $0 > 32 }, as: UTF8.self) : nil
    }

    private static var host: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 && $0 != UInt8(ascii: "/") }, as: UTF8.self) }
    }
}
