internal import Foundation

/// Where the lines of `sample` go.
enum SampleOutput: Sendable {
    /// Standard output, or what is no file that could be renamed, such as a device or a pipe.
    case stream(Int32, name: String)
    case file(PartialFile)

    /// Opens the output before anything else is done, so that what cannot be written is said at once.
    ///
    /// - Parameter path: nil: standard output.
    /// - Returns: nil: with `resuming`, the file is complete already.
    static func open(_ path: String?, resuming: Bool) throws(RunError) -> SampleOutput? {
        guard let path else { return .stream(STDOUT_FILENO, name: "standard output") }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            if resuming { throw .configuration("--resume: \(path) is no regular file that could be gone on with; leave --resume out") }
            let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .inputOutput("\(path) cannot be written: \(String(cString: strerror(errno)))") }
            return .stream(descriptor, name: path)
        }
        return try PartialFile.open(for: path, resuming: resuming).map { .file($0) }
    }

    /// After a failure: what has no line yet goes again.
    func removeIfEmpty() {
        if case .file(let file) = self { file.removeIfEmpty() }
    }
}
