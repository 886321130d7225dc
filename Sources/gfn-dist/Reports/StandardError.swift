internal import Foundation

/// Says something to people. Where standard error cannot be written, there is nobody left to tell that.
func writeToStandardError(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }

/// Writes a result.
func writeToStandardOutput(_ text: String) throws(RunError) {
    if let reason = writeAll(Array(text.utf8), to: STDOUT_FILENO) { throw .inputOutput("standard output cannot be written: \(reason)") }
}

/// Writes all bytes to an open file. Nil: done; otherwise why it could not be.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> String? {
    bytes.withUnsafeBytes { bytes in
        var written = 0
        while written < bytes.count {
            let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count >= 0 { written += count } else if errno != EINTR { return String(cString: strerror(errno)) }
        }
        return nil
    }
}
