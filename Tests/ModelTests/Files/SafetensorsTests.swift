import Foundation
import Testing

@testable import Model

@Suite("Safetensors")
struct SafetensorsTests {
    @Test("what is written is read back, bit for bit, with a header of a multiple of eight bytes")
    func roundTrip() throws {
        try withScratchFolder { folder in
            let path = folder.appendingPathComponent("a.safetensors").path
            let numbers: [Float] = [1, -0.0, 3.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -7]
            let halves: [UInt16] = [0x3F80, 0xBF80, 0x0001, 0x7F7F]
            try SafetensorsWriter.write(
                [
                    .init(name: "b", shape: [2, 3], values: .float32(numbers)),
                    .init(name: "a\"\u{e9}", shape: [4], values: .bfloat16(halves)),
                    .init(name: "ids", shape: [1, 2], values: .int64([-1, .max])),
                    .init(name: "none", shape: [0, 5], values: .float32([])),
                ], metadata: ["format": "pt"], to: path)
            let file = try SafetensorsFile(path)
            #expect(try file.read("b").map(\.bitPattern) == numbers.map(\.bitPattern))
            #expect(try file.read("a\"\u{e9}").map { UInt16($0.bitPattern >> 16) } == halves)
            #expect(try file.integers(of: "ids") == [-1, .max])
            #expect(try file.read("none").isEmpty)
            #expect(file.shape(of: "b") == [2, 3] && file.metadata == ["format": "pt"])
            let length = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            #expect(length % 8 == 0)
            var row = [Float](repeating: 0, count: 3)
            try file.readRows(of: "b", 1..<2, into: &row)
            #expect(row == [.leastNonzeroMagnitude, .greatestFiniteMagnitude, -7])
        }
    }

    @Test("half precision widens exactly, for all 65536 bit patterns")
    func halfPrecision() {
        for bits in UInt16.min...UInt16.max {
            let (exact, ours) = (Float(Float16(bitPattern: bits)), Float(float16Bits: bits))
            if exact.isNaN ? !ours.isNaN : exact.bitPattern != ours.bitPattern {
                Issue.record("bits \(bits): \(ours), expected \(exact)")
            }
        }
    }

    @Test("weights that are not finite, and weights stored as integers, are refused by name")
    func refusesUnusableWeights() throws {
        try withScratchFolder { folder in
            let path = folder.appendingPathComponent("a.safetensors").path
            try SafetensorsWriter.write(
                [
                    .init(name: "nan", shape: [2, 2], values: .float32([1, 2, .nan, 3])),
                    .init(name: "whole", shape: [1], values: .int64([1])),
                ], to: path)
            let file = try SafetensorsFile(path)
            #expect(throws: ModelFileError.notFinite(path: path, tensor: "nan", row: 1)) { try file.read("nan") }
            #expect(throws: ModelFileError.self) { try file.read("whole") }
        }
    }
}
