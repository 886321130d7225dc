internal import Foundation
package import Model

/// Reads a file of JSON Lines, one line at a time, so that only what is made of it has to fit into memory. It may be compressed.
///
/// Blank lines are skipped, line ends may be CRLF, and the file may begin with a byte order mark. All bad lines are reported
/// together, the first ones with what is wrong.
package struct JSONLines {
    /// A longer line is no record of ours.
    package static let longestLine = 32 << 20

    private static let chunkSize = 1 << 16

    private enum Line {
        case bytes(ArraySlice<UInt8>)
        case tooLong
    }

    private let path: String
    private var bytes: DataBytes
    /// What was read. A line begins at `position`; up to `searched` there is no line end behind it.
    private var buffer: [UInt8] = []
    private var position = 0, searched = 0
    private var isAtEnd = false

    private init(_ path: String, read: @escaping DataBytes.Read) throws(DataFileError) {
        self.path = path
        bytes = try DataBytes(path, read)
    }

    /// Makes a value of every line; the second argument of `value` is the line's number.
    /// - Parameter kind: what the values are, for messages.
    package static func read<Value>(
        _ path: String, kind: String, _ value: (JSONRecord, Int) throws(JSONRecord.Fault) -> Value
    ) throws(DataFileError) -> [Value] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .unreadable(path: path, reason: "there is no such file")
        }
        guard !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
            throw .unreadable(path: path, reason: isFolder.boolValue ? "it is a folder" : "permission denied")
        }
        var lines = try JSONLines(path) { (count) throws(DataFileError) in
            do { return Array(try handle.read(upToCount: count) ?? Data()) } catch {
                throw .unreadable(path: path, reason: error.localizedDescription)
            }
        }
        return try lines.values(kind, value)
    }

    /// The same of bytes in memory; `path` names them in messages.
    package static func parse<Value>(
        _ bytes: [UInt8], path: String, kind: String, _ value: (JSONRecord, Int) throws(JSONRecord.Fault) -> Value
    ) throws(DataFileError) -> [Value] {
        var rest = bytes[...]
        var lines = try JSONLines(path) { (count) throws(DataFileError) in
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        return try lines.values(kind, value)
    }

    private mutating func values<Value>(
        _ kind: String, _ value: (JSONRecord, Int) throws(JSONRecord.Fault) -> Value
    ) throws(DataFileError) -> [Value] {
        var (values, bad, badCount, number): ([Value], [DataFileError.BadLine], Int, Int) = ([], [], 0, 0)
        while let line = try next() {
            number += 1
            do throws(JSONRecord.Fault) {
                guard case .bytes(var bytes) = line else {
                    throw JSONRecord.Fault(field: nil, expected: "at most \(Self.longestLine >> 20) MB", found: "a longer line")
                }
                if number == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
                if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
                values.append(try value(JSONRecord(line: bytes), number))
            } catch {
                badCount += 1
                if badCount <= DataFileError.shownLines { bad.append(DataFileError.BadLine(line: number, fault: error)) }
            }
        }
        guard bad.isEmpty else { throw .badLines(path: path, bad, more: badCount - bad.count) }
        guard !values.isEmpty else { throw .empty(path: path, kind: kind) }
        return values
    }

    /// The next line without its end; nil after the last one.
    private mutating func next() throws(DataFileError) -> Line? {
        var isTooLong = false
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { (position, searched) = (end + 1, end + 1) }
                return isTooLong ? .tooLong : .bytes(buffer[position..<end])
            }
            if isAtEnd {
                defer { (position, searched) = (buffer.count, buffer.count) }
                if isTooLong { return .tooLong }
                return position < buffer.count ? .bytes(buffer[position...]) : nil
            }
            isTooLong = isTooLong || buffer.count - position > Self.longestLine
            // What is too long is not kept.
            buffer.removeFirst(isTooLong ? buffer.count : position)
            (position, searched) = (0, buffer.count)
            let chunk = try bytes.next(Self.chunkSize)
            isAtEnd = chunk.isEmpty
            buffer += chunk
        }
    }
}
