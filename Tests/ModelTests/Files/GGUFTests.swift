import Foundation
import Tensor
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

    @Test("codes, scales and offsets of every block format stand for the same numbers, bit for bit")
    func codes() throws {
        let file = try SafetensorsFile(fixtures("gguf-tiny", own: "gguf").appendingPathComponent("blocks.safetensors").path)
        var count = 0
        for format in BlockFormat.allCases {
            guard let codeFormat = format.codeFormat else { continue }
            let expected = try file.read("\(format.name).values")
            let rows = CodeRows(1, width: expected.count, format: codeFormat)
            file.withBytes(of: "\(format.name).bytes") { bytes in
                guard let base = bytes.baseAddress else { return }
                format.readCodes(
                    base, blocks: expected.count / format.elementCount, codes: rows.codes, scales: rows.scales, offsets: rows.offsets)
            }
            let found = expected.indices.map { i in
                let product = Float(rows.codes[i]) * rows.scales[i / codeFormat.group]
                return codeFormat.hasOffsets ? product + rows.offsets[i / codeFormat.group] : product
            }
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(format.name)")
            if codeFormat.bits == 4 {
                let range: ClosedRange<Int8> = codeFormat.hasOffsets ? 0...15 : -8...7
                #expect(expected.indices.allSatisfy { range.contains(rows.codes[$0]) }, "\(format.name)")
            }
            count += 1
        }
        #expect(count == 8)
    }
}
