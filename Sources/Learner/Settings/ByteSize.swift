/// A number of bytes, as people write and read it: `20GiB`, `500MiB`, `16GB`.
package struct ByteSize: Sendable, Equatable, CustomStringConvertible {
    package let bytes: Int

    package init(_ bytes: Int) { self.bytes = bytes }

    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]

    /// A whole number of digits and a unit, nothing else; nil where it is not that, is 0, or is too large for 64 bits.
    package init?(_ text: String) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        let digits = text.dropLast(unit.name.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(digits), number > 0
        else { return nil }
        let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: unit.bytes)
        guard !isTooLarge else { return nil }
        self.bytes = bytes
    }

    /// In MiB, or from 10 GiB on in tenths of a GiB; rounded up, so that what is needed is not said to fit.
    package var description: String {
        let mebibytes = (bytes >> 20) + (bytes & (1 << 20 - 1) > 0 ? 1 : 0)
        return Self.text(mebibytes, tenths: (mebibytes * 10 + 1023) / 1024)
    }

    /// The same rounded down, for what is there.
    package var roundedDown: String { Self.text(bytes >> 20, tenths: (bytes >> 20) * 10 / 1024) }

    private static func text(_ mebibytes: Int, tenths: Int) -> String {
        mebibytes < 10 << 10 ? "\(mebibytes) MiB" : "\(tenths / 10).\(tenths % 10) GiB"
    }
}
