/// The bytes of a data file, a piece at a time, decompressed where they are compressed: by their content, whatever the name is.
struct DataBytes {
    /// Gives up to so many bytes; none at the end.
    typealias Read = (Int) throws(DataFileError) -> [UInt8]

    private let read: Read
    /// What was looked at and not yet taken.
    private var head: [UInt8] = []

    /// How much of the start decides what a file is.
    private static let headSize = 1 << 16

    /// - Throws: `DataFileError.foreign` when the bytes are those of a format that is not read.
    init(_ path: String, _ read: @escaping Read) throws(DataFileError) {
        self.init(read: read)
        let coding = Coding(magic: try peek(4))
        if let coding {
            var decoded = DecodedBytes(path, coding, self)
            self.init(read: { (_) throws(DataFileError) in try decoded.next() })
        }
        if let format = ForeignFormat(head: try peek(Self.headSize), path: path) {
            throw .foreign(path: path, format: format.name, advice: format.advice(on: path, coding: coding))
        }
    }

    init(read: @escaping Read) { self.read = read }

    /// Some bytes, about `count`; none at the end.
    mutating func next(_ count: Int) throws(DataFileError) -> [UInt8] {
        guard head.isEmpty else {
            defer { head = [] }
            return head
        }
        return try read(count)
    }

    /// The next bytes, which are not taken: at least `count`, fewer only at the end.
    private mutating func peek(_ count: Int) throws(DataFileError) -> [UInt8] {
        while head.count < count {
            let more = try read(count)
            if more.isEmpty { break }
            head += more
        }
        return head
    }
}
