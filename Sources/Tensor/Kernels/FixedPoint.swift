internal import CKernels

/// The coarse parts of sums in two integers: of 32 bits, or of 64 where those do not suffice.
package protocol CoarsePart: FixedWidthInteger & SignedInteger & Sendable {
    /// See ``Kernel/fixedPointAdd(_:count:coarse:fine:family:)``.
    static func add(
        _ x: UnsafePointer<Float>, count: Int, coarse: UnsafeMutablePointer<Self>, fine: UnsafeMutablePointer<Int64>, family: KernelFamily)
    /// See ``Kernel/fixedPointMerge(coarse:fine:count:into:_:family:)``.
    static func merge(
        coarse: UnsafePointer<Self>, fine: UnsafePointer<Int64>, count: Int, into sumCoarse: UnsafeMutablePointer<Self>,
        _ sumFine: UnsafeMutablePointer<Int64>, family: KernelFamily)
    /// See ``Kernel/fixedPointWrite(coarse:fine:and:_:count:into:family:)``.
    static func write(
        coarse: UnsafePointer<Self>, fine: UnsafePointer<Int64>, and moreCoarse: UnsafePointer<Self>, _ moreFine: UnsafePointer<Int64>,
        count: Int, into values: UnsafeMutablePointer<Float>, family: KernelFamily)
}

extension Kernel {
    /// Adds each x, |x| < 2²⁸, to two integers: x = coarse · 2⁻¹⁷ + fine · 2⁻⁶⁸, rounded to a multiple of 2⁻⁶⁸. |fine| grows by at most
    /// 2⁵⁰. No sum may overflow.
    package static func fixedPointAdd<Coarse: CoarsePart>(
        _ x: UnsafePointer<Float>, count: Int, coarse: UnsafeMutablePointer<Coarse>, fine: UnsafeMutablePointer<Int64>,
        family: KernelFamily = .current
    ) {
        Coarse.add(x, count: count, coarse: coarse, fine: fine, family: family)
    }

    /// Adds one sum to another, integer by integer.
    package static func fixedPointMerge<Coarse: CoarsePart>(
        coarse: UnsafePointer<Coarse>, fine: UnsafePointer<Int64>, count: Int, into sumCoarse: UnsafeMutablePointer<Coarse>,
        _ sumFine: UnsafeMutablePointer<Int64>, family: KernelFamily = .current
    ) {
        Coarse.merge(coarse: coarse, fine: fine, count: count, into: sumCoarse, sumFine, family: family)
    }

    /// The numbers that two sums make together, rounded to double and then to float. |fine| of both together is at most 2⁶².
    package static func fixedPointWrite<Coarse: CoarsePart>(
        coarse: UnsafePointer<Coarse>, fine: UnsafePointer<Int64>, and moreCoarse: UnsafePointer<Coarse>,
        _ moreFine: UnsafePointer<Int64>, count: Int, into values: UnsafeMutablePointer<Float>, family: KernelFamily = .current
    ) {
        Coarse.write(coarse: coarse, fine: fine, and: moreCoarse, moreFine, count: count, into: values, family: family)
    }
}

extension Int32: CoarsePart {
    package static func add(
        _ x: UnsafePointer<Float>, count: Int, coarse: UnsafeMutablePointer<Int32>, fine: UnsafeMutablePointer<Int64>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_add_narrow(x, count, coarse, fine)
    }

    package static func merge(
        coarse: UnsafePointer<Int32>, fine: UnsafePointer<Int64>, count: Int, into sumCoarse: UnsafeMutablePointer<Int32>,
        _ sumFine: UnsafeMutablePointer<Int64>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_merge_narrow(coarse, fine, count, sumCoarse, sumFine)
    }

    package static func write(
        coarse: UnsafePointer<Int32>, fine: UnsafePointer<Int64>, and moreCoarse: UnsafePointer<Int32>,
        _ moreFine: UnsafePointer<Int64>, count: Int, into values: UnsafeMutablePointer<Float>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_write_narrow(coarse, fine, moreCoarse, moreFine, count, values)
    }
}

extension Int64: CoarsePart {
    package static func add(
        _ x: UnsafePointer<Float>, count: Int, coarse: UnsafeMutablePointer<Int64>, fine: UnsafeMutablePointer<Int64>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_add_wide(x, count, coarse, fine)
    }

    package static func merge(
        coarse: UnsafePointer<Int64>, fine: UnsafePointer<Int64>, count: Int, into sumCoarse: UnsafeMutablePointer<Int64>,
        _ sumFine: UnsafeMutablePointer<Int64>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_merge_wide(coarse, fine, count, sumCoarse, sumFine)
    }

    package static func write(
        coarse: UnsafePointer<Int64>, fine: UnsafePointer<Int64>, and moreCoarse: UnsafePointer<Int64>,
        _ moreFine: UnsafePointer<Int64>, count: Int, into values: UnsafeMutablePointer<Float>, family: KernelFamily
    ) {
        family.kernels.pointee.fixed_point_write_wide(coarse, fine, moreCoarse, moreFine, count, values)
    }
}
