internal import Foundation

/// What the system keeps of files in memory.
enum PageCache {
    /// Makes the system forget a file, so that the next reader waits for the disk; what is mapped or not written yet stays. Throws
    /// `RunError.inputOutput`.
    static func drop(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunError.inputOutput("\(path) cannot be opened: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let failure = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        guard failure == 0 else {
            throw RunError.inputOutput("\(path) stays in the system's cache: \(String(cString: strerror(failure)))")
        }
    }

    /// The same for a file, or for all files of a folder; what is not there is left out.
    static func drop(all path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else { return try drop(path) }
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let file = "\(path)/\(name)"
            var isInner: ObjCBool = false
            if FileManager.default.fileExists(atPath: file, isDirectory: &isInner), !isInner.boolValue { try drop(file) }
        }
    }
}
