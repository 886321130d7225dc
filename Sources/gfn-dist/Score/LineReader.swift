internal import Foundation

/// The lines of a file or of standard input, one at a time, so that neither has to fit into memory.
struct LineReader {
    /// A line longer than this is refused: it is not JSON Lines but something else.
    static let maximumLength = 16 << 20
    private static let chunkSize = 1 << 16

    /// How messages name the input.
    let name: String
    /// Of the line that `next` gave last, from 1.
    private(set) var number = 0

    private let handle: FileHandle
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next line begins, and up to where there is no line end.
    private var position = 0, searched = 0
    private var isAtEnd = false

    /// - Parameter path: `-` or nil: standard input.
    init(_ path: String?) throws(RunError) {
        guard let path, path != "-" else {
            name = "standard input"
            handle = .standardInput
            return
        }
        name = path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .missingInput("\(path) does not exist: name a file of JSON Lines, or - for standard input")
        }
        guard !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
            throw .missingInput("\(path) cannot be read as a file of JSON Lines")
        }
        self.handle = handle
    }

    /// The bytes of the next line that is not blank, without its end; nil after the last one.
    mutating func next() throws(RunError) -> [UInt8]? {
        while let line = try nextLine() {
            number += 1
            // Some editors begin a file with a byte order mark.
            let text = number == 1 && line.starts(with: [0xEF, 0xBB, 0xBF]) ? line.dropFirst(3) : line
            if text.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { return Array(text) }
        }
        return nil
    }

    private mutating func nextLine() throws(RunError) -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { (position, searched) = (end + 1, end + 1) }
                return buffer[position..<end]
            }
            if isAtEnd {
                guard position < buffer.count else { return nil }
                defer { (position, searched) = (buffer.count, buffer.count) }
                return buffer[position...]
            }
            buffer.removeFirst(position)
            (position, searched) = (0, buffer.count)
            guard buffer.count <= Self.maximumLength else {
                throw .badData("\(name):\(number + 1) is longer than \(Self.maximumLength >> 20) MB; each line is one JSON object")
            }
            do {
                let chunk = try handle.read(upToCount: Self.chunkSize) ?? Data()
                isAtEnd = chunk.isEmpty
                buffer += chunk
            } catch {
                throw .missingInput("\(name) cannot be read: \(error.localizedDescription)")
            }
        }
    }
}
