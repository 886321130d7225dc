import Learner
import Testing

@Suite("Sizes as people write them")
struct ByteSizeTests {
    @Test("digits and a unit are a number of bytes", arguments: [
        ("20GiB", 20 << 30), ("500MiB", 500 << 20), ("1KiB", 1024), ("2TiB", 2 << 40), ("16GB", 16_000_000_000), ("7MB", 7_000_000),
        ("3kB", 3000), ("1TB", 1_000_000_000_000), ("64B", 64), ("007MiB", 7 << 20),
    ])
    func read(text: String, bytes: Int) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test("nothing else is", arguments: [
        "", "GiB", "20", "20G", "20gib", "20 GiB", " 20GiB", "20GiB ", "-1GiB", "+1GiB", "1.5GiB", "0B", "0GiB", "1e3MB", "0x10B", "٣GiB",
        "9223372036854775807KiB", "99999999999999999999B", "auto",
    ])
    func refused(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test("what is needed is written rounded up, and what is there rounded down")
    func written() {
        #expect("\(ByteSize(1))" == "1 MiB" && ByteSize(1).roundedDown == "0 MiB")
        #expect("\(ByteSize(500 << 20))" == "500 MiB" && ByteSize(500 << 20).roundedDown == "500 MiB")
        #expect("\(ByteSize(500 << 20 + 1))" == "501 MiB" && ByteSize(501 << 20 - 1).roundedDown == "500 MiB")
        #expect("\(ByteSize(10 << 30))" == "10.0 GiB" && ByteSize(10 << 30).roundedDown == "10.0 GiB")
        #expect("\(ByteSize(10 << 30 + 1))" == "10.1 GiB" && ByteSize(11 << 30 - 1).roundedDown == "10.9 GiB")
        #expect("\(ByteSize(.max))" == "8589934592.0 GiB")
    }

    @Test("two ways to write a size say the same")
    func same() {
        let kind = SettingKind.size(or: "auto")
        #expect(kind.isSame("1GiB", "1024MiB") && kind.isSame("auto", "auto"))
        #expect(!kind.isSame("1GiB", "1GB") && !kind.isSame("auto", "1GiB"))
        #expect(kind.problem(with: "auto") == nil && kind.problem(with: "1GiB") == nil)
        #expect(kind.problem(with: "20G") == "is '20G', expected a size such as 500MiB, 20GiB or 16GB, or auto")
    }
}
