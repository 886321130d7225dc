internal import Tensor

/// How a GGUF file stores the numbers of one row: plain, or in blocks that share a scale.
///
/// Dequantisation is bit-exact with llama.cpp's reference: each product and sum is rounded to `Float` on its own.
/// Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
enum BlockFormat: UInt32, Sendable, CaseIterable {
    case f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q4_K = 12, q5_K = 13, q6_K = 14, bf16 = 30

    var name: String { "\(self)".uppercased() }

    /// Numbers per block.
    var elementCount: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// Bytes per block.
    var byteCount: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        }
    }

    /// Widens `blocks` blocks at `source` to `blocks · elementCount` numbers.
    func dequantise(_ source: UnsafeRawPointer, blocks: Int, into destination: UnsafeMutablePointer<Float>) {
        switch self {
        case .f32:
            UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: 4 * blocks)
        case .f16:
            for i in 0..<blocks { destination[i] = half(source, 2 * i) }
        case .bf16:
            for i in 0..<blocks { destination[i] = Float(bfloat16Bits: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
        default:
            for block in 0..<blocks {
                let source = source + block * byteCount
                let destination = destination + block * elementCount
                switch self {
                case .q4_0: nibbles(source, quants: 2, bits: nil, offset: -8, scale: half(source, 0), minimum: nil, destination)
                case .q4_1: nibbles(source, quants: 4, bits: nil, offset: 0, scale: half(source, 0), minimum: half(source, 2), destination)
                case .q5_0: nibbles(source, quants: 6, bits: 2, offset: -16, scale: half(source, 0), minimum: nil, destination)
                case .q5_1: nibbles(source, quants: 8, bits: 4, offset: 0, scale: half(source, 0), minimum: half(source, 2), destination)
                case .q8_0:
                    let scale = half(source, 0)
                    for i in 0..<32 { destination[i] = Float(source.load(fromByteOffset: 2 + i, as: Int8.self)) * scale }
                case .q4_K: superBlock(source, quants: 16, bits: nil, destination)
                case .q5_K: superBlock(source, quants: 48, bits: 16, destination)
                case .q6_K: sixBits(source, destination)
                case .f32, .f16, .bf16: break
                }
            }
        }
    }
}

extension BlockFormat {
    /// How its numbers are kept as codes; nil where they are no integers with a scale.
    var codeFormat: CodeFormat? {
        switch self {
        case .f32, .f16, .bf16: nil
        case .q4_0: CodeFormat(bits: 4, group: 32, hasOffsets: false)
        case .q4_1, .q4_K: CodeFormat(bits: 4, group: 32, hasOffsets: true)
        case .q5_0, .q8_0: CodeFormat(bits: 8, group: 32, hasOffsets: false)
        case .q5_1, .q5_K: CodeFormat(bits: 8, group: 32, hasOffsets: true)
        case .q6_K: CodeFormat(bits: 8, group: 16, hasOffsets: false)
        }
    }

    /// The codes, scales and offsets of `blocks` blocks at `source`: `code · scale + offset`, each rounded to `Float`, is what `dequantise` gives.
    func readCodes(
        _ source: UnsafeRawPointer, blocks: Int, codes: UnsafeMutablePointer<Int8>, scales: UnsafeMutablePointer<Float>,
        offsets: UnsafeMutablePointer<Float>
    ) {
        guard let format = codeFormat else { preconditionFailure("\(name) has no codes") }
        for block in 0..<blocks {
            let source = source + block * byteCount, codes = codes + block * elementCount
            let first = block * elementCount / format.group
            switch self {
            case .q4_0: nibbleCodes(source, quants: 2, bits: nil, offset: -8, codes)
            case .q4_1: nibbleCodes(source, quants: 4, bits: nil, offset: 0, codes)
            case .q5_0: nibbleCodes(source, quants: 6, bits: 2, offset: -16, codes)
            case .q5_1: nibbleCodes(source, quants: 8, bits: 4, offset: 0, codes)
            case .q8_0: for i in 0..<32 { codes[i] = source.load(fromByteOffset: 2 + i, as: Int8.self) }
            case .q4_K: superBlockCodes(source, quants: 16, bits: nil, codes, scales + first, offsets + first)
            case .q5_K: superBlockCodes(source, quants: 48, bits: 16, codes, scales + first, offsets + first)
            case .q6_K: sixBitCodes(source, codes, scales + first)
            case .f32, .f16, .bf16: break
            }
            switch self {
            case .q4_0, .q5_0, .q8_0: scales[first] = half(source, 0)
            case .q4_1, .q5_1: (scales[first], offsets[first]) = (half(source, 0), half(source, 2))
            default: break
            }
        }
    }
}

/// The integers of `nibbles`, with their offset.
@inline(__always)
private func nibbleCodes(_ source: UnsafeRawPointer, quants: Int, bits: Int?, offset: Int32, _ codes: UnsafeMutablePointer<Int8>) {
    let fifth = bits.map { source.loadUnaligned(fromByteOffset: $0, as: UInt32.self) } ?? 0
    for i in 0..<16 {
        let pair = byte(source, quants + i)
        codes[i] = Int8(truncatingIfNeeded: (pair & 15 | Int32(fifth >> UInt32(i) & 1) << 4) + offset)
        codes[i + 16] = Int8(truncatingIfNeeded: (pair >> 4 | Int32(fifth >> UInt32(i + 16) & 1) << 4) + offset)
    }
}

/// The integers of `superBlock`, and the scales and negated minima of its groups.
@inline(__always)
private func superBlockCodes(
    _ source: UnsafeRawPointer, quants: Int, bits: Int?, _ codes: UnsafeMutablePointer<Int8>, _ scales: UnsafeMutablePointer<Float>,
    _ offsets: UnsafeMutablePointer<Float>
) {
    for group in 0..<8 {
        let (scale, minimum) = scaleAndMinimum(source, group)
        (scales[group], offsets[group]) = (scale, -minimum)
        for i in 0..<32 {
            let pair = byte(source, quants + group / 2 * 32 + i)
            var q = group % 2 == 0 ? pair & 15 : pair >> 4
            if let bits { q |= (byte(source, bits + i) >> Int32(group) & 1) << 4 }
            codes[group * 32 + i] = Int8(truncatingIfNeeded: q)
        }
    }
}

/// The integers of `sixBits`, and the scales of its groups of 16.
@inline(__always)
private func sixBitCodes(_ source: UnsafeRawPointer, _ codes: UnsafeMutablePointer<Int8>, _ scales: UnsafeMutablePointer<Float>) {
    let d = half(source, 208)
    for part in 0..<2 {
        for quarter in 0..<4 {
            for i in 0..<32 {
                let low = byte(source, 64 * part + quarter % 2 * 32 + i)
                let high = byte(source, 128 + 32 * part + i) >> Int32(2 * quarter) & 3
                codes[128 * part + 32 * quarter + i] = Int8(truncatingIfNeeded: ((quarter < 2 ? low & 15 : low >> 4) | high << 4) - 32)
            }
            for half in 0..<2 {
                let scale = source.load(fromByteOffset: 192 + 8 * part + 2 * quarter + half, as: Int8.self)
                scales[8 * part + 2 * quarter + half] = d * Float(scale)
            }
        }
    }
}

@inline(__always)
private func half(_ source: UnsafeRawPointer, _ offset: Int) -> Float {
    Float(float16Bits: source.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
}

@inline(__always)
private func byte(_ source: UnsafeRawPointer, _ offset: Int) -> Int32 {
    Int32(source.load(fromByteOffset: offset, as: UInt8.self))
}

/// x = (q + offset) · scale [+ minimum], 32 numbers: the low halves of 16 bytes, then the high halves.
/// `bits` is where the fifth bits lie, one per number, when there are any.
@inline(__always)
private func nibbles(
    _ source: UnsafeRawPointer, quants: Int, bits: Int?, offset: Int32, scale: Float, minimum: Float?,
    _ x: UnsafeMutablePointer<Float>
) {
    let fifth = bits.map { source.loadUnaligned(fromByteOffset: $0, as: UInt32.self) } ?? 0
    for i in 0..<16 {
        let pair = byte(source, quants + i)
        let low = pair & 15 | Int32(fifth >> UInt32(i) & 1) << 4
        let high = pair >> 4 | Int32(fifth >> UInt32(i + 16) & 1) << 4
        if let minimum {
            x[i] = Float(low) * scale + minimum
            x[i + 16] = Float(high) * scale + minimum
        } else {
            x[i] = Float(low + offset) * scale
            x[i + 16] = Float(high + offset) * scale
        }
    }
}

/// Q4_K and Q5_K: 256 numbers in eight groups of 32; each group has a 6-bit scale and a 6-bit minimum (12 bytes from
/// offset 4), which multiply the two half-precision numbers at the beginning.
@inline(__always)
private func superBlock(_ source: UnsafeRawPointer, quants: Int, bits: Int?, _ x: UnsafeMutablePointer<Float>) {
    for group in 0..<8 {
        let (groupScale, groupMinimum) = scaleAndMinimum(source, group)
        for i in 0..<32 {
            let pair = byte(source, quants + group / 2 * 32 + i)
            var q = group % 2 == 0 ? pair & 15 : pair >> 4
            if let bits { q |= (byte(source, bits + i) >> Int32(group) & 1) << 4 }
            x[group * 32 + i] = groupScale * Float(q) - groupMinimum
        }
    }
}

@inline(__always)
private func scaleAndMinimum(_ source: UnsafeRawPointer, _ group: Int) -> (scale: Float, minimum: Float) {
    let (scale, minimum): (Int32, Int32)
    if group < 4 {
        (scale, minimum) = (byte(source, 4 + group) & 63, byte(source, 8 + group) & 63)
    } else {
        let packed = byte(source, 8 + group)
        scale = packed & 15 | (byte(source, group) >> 6) << 4
        minimum = packed >> 4 | (byte(source, 4 + group) >> 6) << 4
    }
    return (half(source, 0) * Float(scale), half(source, 2) * Float(minimum))
}

/// Q6_K: 256 numbers: 128 bytes of low halves, 64 of upper bit pairs, 16 signed scales, one half-precision scale.
@inline(__always)
private func sixBits(_ source: UnsafeRawPointer, _ x: UnsafeMutablePointer<Float>) {
    let d = half(source, 208)
    for part in 0..<2 {
        for quarter in 0..<4 {
            for i in 0..<32 {
                let low = byte(source, 64 * part + quarter % 2 * 32 + i)
                let high = byte(source, 128 + 32 * part + i) >> Int32(2 * quarter) & 3
                let q = (quarter < 2 ? low & 15 : low >> 4) | high << 4
                let scale = source.load(fromByteOffset: 192 + 8 * part + 2 * quarter + i / 16, as: Int8.self)
                x[128 * part + 32 * quarter + i] = d * Float(scale) * Float(q - 32)
            }
        }
    }
}
