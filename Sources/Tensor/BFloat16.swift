extension Array where Element == Float {
    /// The bits of the nearest bfloat16 numbers, ties to even.
    package var roundedToBFloat16: [UInt16] {
        var bits = [UInt16](repeating: 0, count: count)
        withUnsafeBufferPointer { values in
            bits.withUnsafeMutableBufferPointer { bits in
                guard let source = values.baseAddress, let target = bits.baseAddress else { return }
                Kernel.roundToBFloat16(source, count: values.count, into: target)
            }
        }
        return bits
    }
}
