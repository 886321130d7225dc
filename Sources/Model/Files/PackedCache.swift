internal import Digest
internal import Glibc
internal import Tensor

/// Packed weights in files that all processes of a node map: a node has one copy, and a second start packs nothing.
///
/// The files of a model are `<key>.forward` and `<key>.transposed` (see `PackedFile`). The key is the SHA-256 of all that decides their
/// bytes: the content of the model's files, shapes, precision and the version of the layout, which is the same for all kernels. The
/// process that has the lock `<key>.lock` makes them, while others wait. Where that cannot be, the weights are packed in memory of the
/// process, and a note says so.
package struct PackedCache: Sendable {
    private let folder: String
    private let minimumByteCount: Int
    /// Raised with every change of what is packed where.
    private static let version = 2

    /// - Parameter minimumByteCount: smaller models are packed in memory.
    package init(folder: String, minimumByteCount: Int = 0) {
        self.folder = folder
        self.minimumByteCount = minimumByteCount
    }

    /// Whether these weights are kept in files: those of a model that has files of its own and is large enough.
    func holds(_ packing: Packing) -> Bool { !packing.source.paths.isEmpty && packing.byteCount(.forward) >= minimumByteCount }

    /// The weights, mapped from files that are made where they are missing; and, in a sentence, what did not go as it should have.
    func weights(_ parts: [WeightPart], _ packing: Packing) throws(ModelFileError) -> (ModelWeights, note: String?) {
        guard holds(packing) else { return (try packing.weights(parts), nil) }
        let key: String
        switch Result(catching: { () throws(ModelFileError) in try self.key(of: packing) }) {
        case .success(let value): key = value
        case .failure(let error): return (try packing.weights(parts), Self.note(error))
        }
        var found = mapped(parts, key, packing)
        if found.arenas.count == parts.count { return (try packing.weights(in: found.arenas, packing: []), nil) }
        // Held until this returns: who waits for it finds the files then.
        let lock = FileLock("\(folder)/\(key).lock")
        defer { lock?.release() }
        found = mapped(parts, key, packing)
        let missing = Set(parts).subtracting(found.arenas.keys)
        switch Result(catching: { () throws(ModelFileError) in try begin(missing, key, packing) }) {
        case .success(let files):
            let weights = try packing.weights(in: found.arenas.merging(files.mapValues(\.arena)) { $1 }, packing: missing)
            let finished = Result { () throws(ModelFileError) in for file in files.values { try file.finish(packing.parallel) } }
            guard case .failure(let error) = finished else { return (weights, found.damage) }
            return (try packing.weights(parts), Self.note(error))
        case .failure(let error):
            return (try packing.weights(parts), Self.note(error))
        }
    }

    private static func note(_ error: ModelFileError) -> String {
        "\(error); the base is packed in memory of this process, which shares it with no other rank (GFN_CACHE names another folder)"
    }

    private func path(_ key: String, _ part: WeightPart) -> String { "\(folder)/\(key).\(part.rawValue)" }

    /// What is there and whole.
    private func mapped(
        _ parts: [WeightPart], _ key: String, _ packing: Packing
    ) -> (arenas: [WeightPart: MemoryArena], damage: String?) {
        var arenas: [WeightPart: MemoryArena] = [:], damage: String?
        for part in parts {
            do throws(ModelFileError) {
                arenas[part] = try PackedFile.open(path(key, part), byteCount: packing.byteCount(part), packing.parallel)
            } catch {
                damage = "\(error); it is made again"
            }
        }
        return (arenas, damage)
    }

    /// Files to be packed into. Whoever was killed while he made them has left his.
    private func begin(_ parts: Set<WeightPart>, _ key: String, _ packing: Packing) throws(ModelFileError) -> [WeightPart: PackedFile] {
        var files: [WeightPart: PackedFile] = [:]
        for part in parts {
            PackedFile.removeUnfinished(path(key, part))
            files[part] = try PackedFile(path(key, part), byteCount: packing.byteCount(part))
        }
        return files
    }

    private func key(of packing: Packing) throws(ModelFileError) -> String {
        try SideFile.makeFolder(folder)
        var lines = ["gfn-dist packed weights \(Self.version)", packing.precision.rawValue, "\(type(of: packing.source))"]
        for (slot, shape) in packing.slots { lines.append("\(slot.name) \(shape) \(packing.forms[slot])") }
        for path in packing.source.paths { lines.append(try contentDigest(of: path, packing.parallel)) }
        return Self.digest(lines.joined(separator: "\n"))
    }

    /// SHA-256 of a file's content. It is kept by what the system says of the file, so that an unchanged one is read once only.
    private func contentDigest(of path: String, _ parallel: Parallel) throws(ModelFileError) -> String {
        let identity = try FileIdentity(path)
        let place = "\(folder)/\(Self.digest(identity.text)).content"
        if let known = try? MappedFile(place), known.bytes.count == 64 { return known.withBytes { String(decoding: $0, as: UTF8.self) } }
        let digest = try MappedFile(path).withBytes { ContentDigest.hexadecimal(of: $0, parallel) }
        // Not if it was changed meanwhile.
        if try FileIdentity(path) == identity { try SideFile.write(Array(digest.utf8), to: place) }
        return digest
    }

    private static func digest(_ text: String) -> String { hexadecimal(SHA256.digest(of: Array(text.utf8))) }
}

/// What the system says of a file, which changes with every change of the file.
struct FileIdentity: Equatable {
    let text: String

    init(_ path: String) throws(ModelFileError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .inaccessible(path: path, reason: MappedFile.lastError()) }
        self.init(status)
    }

    init(_ status: stat) {
        func time(_ value: timespec) -> String { "\(value.tv_sec).\(value.tv_nsec)" }
        text = "\(status.st_dev) \(status.st_ino) \(status.st_size) \(time(status.st_mtim)) \(time(status.st_ctim))"
    }
}

/// SHA-256 of the SHA-256 of stretches, so that several threads work on a file.
enum ContentDigest {
    private static let stretch = 4 << 20

    static func hexadecimal(of bytes: UnsafeRawBufferPointer, _ parallel: Parallel) -> String {
        let count = (bytes.count + stretch - 1) / stretch
        let digests = UnsafeMutableRawBufferPointer.allocate(byteCount: count * SHA256.byteCount, alignment: 1)
        defer { digests.deallocate() }
        parallel.forEach(count) { range in
            for index in range {
                let part = bytes[index * stretch..<min((index + 1) * stretch, bytes.count)]
                UnsafeMutableRawBufferPointer(rebasing: digests[(index * SHA256.byteCount)...])
                    .copyBytes(from: SHA256.digest(of: UnsafeRawBufferPointer(rebasing: part)))
            }
        }
        return Digest.hexadecimal(SHA256.digest(of: UnsafeRawBufferPointer(digests)))
    }
}

/// A file that processes lock in turn. Nil where it cannot be locked: then each does the work, and what it makes is as good.
private struct FileLock {
    private let descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return nil }
        while flock(descriptor, LOCK_EX) != 0 {
            if errno == EINTR { continue }
            close(descriptor)
            return nil
        }
    }

    func release() { close(descriptor) }
}
