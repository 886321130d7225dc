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

    @Test("models open under Hugging Face's names, with their values and order of rows, bit for bit")
    func models() throws {
        var count = 0
        for folder in try subfolders(fixtures("gguf-tiny", own: "gguf")) {
            let path = folder.appendingPathComponent("\(folder.lastPathComponent).gguf").path
            let files = try ModelFiles.open(path)
            let model = try #require(files.weights as? GGUFModel)
            let reference = try SafetensorsFile(folder.appendingPathComponent("ref.safetensors").path)
            for name in reference.names where name.hasPrefix("dequantised.") {
                let tensor = try #require(model.file.tensors[String(name.dropFirst("dequantised.".count))])
                let width = try #require(tensor.shape.last)
                var values = [Float](repeating: .nan, count: tensor.rowCount * width)
                values.withUnsafeMutableBufferPointer { buffer in
                    for row in 0..<tensor.rowCount { model.file.readRow(row, of: tensor, into: buffer.baseAddress! + row * width) }
                }
                #expect(try reference.read(name).map(\.bitPattern) == values.map(\.bitPattern), "\(path) \(name)")
                count += 1
            }
            for name in reference.names where name.hasPrefix("hf.") {
                let values = try files.weights.read(String(name.dropFirst(3)))
                #expect(try reference.read(name).map(\.bitPattern) == values.map(\.bitPattern), "\(path) \(name)")
                count += 1
            }
            #expect(files.tokenizer?.vocabularySize == files.configuration.vocabularySize)
            #expect(files.configuration.endTokens == [2])
        }
        #expect(count >= 3)
        print("GGUF: \(count) tensors compared")
    }
}
