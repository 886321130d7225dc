/// Many short byte strings, one after another in memory: a vocabulary has hundreds of thousands.
struct ByteStrings: Sendable, Equatable {
    private(set) var bytes: [UInt8] = []
    /// Where each string ends.
    private var ends: [Int] = []

    var count: Int { ends.count }

    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    subscript(index: Int) -> ByteString { ByteString(Array(bytes[range(index)])) }

    mutating func reserve(_ count: Int) { ends.reserveCapacity(count) }

    mutating func append(_ string: some Collection<UInt8>) {
        bytes.append(contentsOf: string)
        ends.append(bytes.count)
    }

    /// Appends what `body` adds to the bytes as one string.
    mutating func append<Failure: Error>(_ body: (inout [UInt8]) throws(Failure) -> Void) throws(Failure) {
        try body(&bytes)
        ends.append(bytes.count)
    }

    func withBytes<Result>(of index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range(index)])) }
    }
}
