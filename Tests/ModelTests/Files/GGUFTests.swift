import Foundation
import Testing

@testable import Model

@Suite("GGUF")
struct GGUFTests {
    @Test("every block format is dequantised as llama.cpp's reference does, bit for bit")
    func blocks() throws {
        let file = try SafetensorsFile(fixtures("gguf-tiny", own: "gguf").appendingPathComponent("blocks.safetensors").path)
        var count = 0
        for format in BlockFormat.allCases where format != .f32 {
            let name = format.name
            let expected = try file.read("\(name).values")
            let blocks = expected.count / format.elementCount
            var actual = [Float](repeating: .nan, count: expected.count)
            let byteCount = file.withBytes(of: "\(name).bytes") { bytes in
                if let base = bytes.baseAddress { format.dequantise(base, blocks: blocks, into: &actual) }
                return bytes.count
            }
            #expect(byteCount == blocks * format.byteCount)
            #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern), "\(name)")
            count += blocks
        }
        print("GGUF: \(count) blocks compared")
    }
}
