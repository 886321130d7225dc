internal import CDigest
import Testing

@testable import Digest

/// The generator of xorshift64: bytes that anyone can make again.
private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32)
    }
}

@Suite("SHA-256")
struct SHA256Tests {
    // FIPS 180-4's examples, and NIST's of a million letters.
    @Test("published digests", arguments: [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (Array(repeating: UInt8(ascii: "a"), count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func published(message: [UInt8], expected: String) {
        #expect(hexadecimal(SHA256.digest(of: message)) == expected)
    }

    @Test("is the same of all pieces, however a message is cut")
    func pieces() {
        for count in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000] {
            let message = bytes(count, seed: UInt64(count + 1)), whole = SHA256.digest(of: message)
            for cut in [0, 1, 63, 64, 65, count / 2, count] where cut <= count {
                var hash = SHA256()
                hash.update(Array(message.prefix(cut)))
                // What has been asked for in between changes nothing.
                _ = hash.finished()
                hash.update([])
                hash.update(Array(message.dropFirst(cut)))
                #expect(hash.finished() == whole, "\(count) bytes cut at \(cut)")
            }
        }
    }

    @Test("the processor's instructions and portable C agree")
    func twins() {
        for blocks in 0...9 {
            let data = bytes(64 * blocks, seed: 7)
            var (chosen, portable): ([UInt32], [UInt32]) = (Array(repeating: 0, count: 8), Array(repeating: 0, count: 8))
            gfn_sha256_begin(&chosen)
            gfn_sha256_begin(&portable)
            gfn_sha256_blocks(&chosen, data, blocks)
            gfn_sha256_blocks_portable(&portable, data, blocks)
            #expect(chosen == portable)
        }
    }
}
