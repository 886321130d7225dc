extension Float {
    /// The number whose upper half is `bits`; exact.
    @inline(__always)
    init(bfloat16Bits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

    /// Widens IEEE half precision; exact, subnormals, infinities and NaN included.
    @inline(__always)
    init(float16Bits bits: UInt16) {
        let magnitude = UInt32(bits & 0x7FFF)
        let sign = UInt32(bits & 0x8000) << 16
        // The fields moved to their places in a Float are the number times 2^-112, also for a subnormal.
        var wide = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
        if magnitude >= 0x7C00 { wide = 0x7F80_0000 | magnitude << 13 }
        self.init(bitPattern: wide | sign)
    }
}

extension UInt16 {
    /// The bits of the half-precision number nearest to x, ties to even. x is finite and less than 65,520 in magnitude.
    init(float16Bits x: Float) {
        precondition(x.magnitude < 65520, "\(x) in half precision")
        // The inverse of widening: the fields of x · 2^-112 are those of the half, but for thirteen bits that are rounded away.
        let bits = (x.magnitude * 0x1p-112).bitPattern
        self = UInt16((bits + 0xFFF + (bits >> 13 & 1)) >> 13) | (x.sign == .minus ? 0x8000 : 0)
    }
}

/// The index of the first NaN or infinity.
func firstNotFinite(_ values: UnsafePointer<Float>, count: Int) -> Int? {
    // Adding one to an exponent of all ones carries into the sign's place; no branch, so the loop is vectorised.
    var carry: UInt32 = 0
    for i in 0..<count { carry |= (values[i].bitPattern & 0x7F80_0000) &+ 0x0080_0000 }
    if carry & 0x8000_0000 == 0 { return nil }
    return (0..<count).first { !values[$0].isFinite }
}

extension [Int] {
    /// The product of all elements, in their order, and of `factor`; nil when one of the products overflows.
    ///
    /// A zero at the end does not excuse what comes before it: whoever multiplies the same extents without a check must
    /// not overflow either.
    func checkedProduct(times factor: Int = 1) -> Int? {
        var product = 1
        for element in self + [factor] {
            let (value, overflow) = product.multipliedReportingOverflow(by: element)
            if overflow { return nil }
            product = value
        }
        return product
    }
}
