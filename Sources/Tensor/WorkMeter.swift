internal import CKernels

/// Floating-point operations that ran, two for each product and its sum, whatever made them necessary.
///
/// Those of causal attention are of the pairs of a row and a key that it attends to. What norms, activations and softmax take is not
/// counted.
package struct Work: Sendable, Equatable {
    /// Of `Kernel.multiply`.
    package var products = 0
    /// Sums of outer products, for gradients of matrices.
    package var gradients = 0
    package var attention = 0

    package init() {}

    package var total: Int { products + gradients + attention }

    package static func += (left: inout Work, right: Work) {
        left.products += right.products
        left.gradients += right.gradients
        left.attention += right.attention
    }
}

/// Counts what kernels are asked for by the thread that made the meter, from then on: exact, whatever other threads do beside it.
///
/// It is always on, since it takes a few additions for each call of a kernel.
package struct WorkMeter {
    private let start = Self.current

    package init() {}

    /// Since the meter was made; to be called by the same thread.
    package func read() -> Work {
        let now = Self.current
        var work = Work()
        work.products = Int(now.products - start.products)
        work.gradients = Int(now.gradients - start.gradients)
        work.attention = Int(now.attention - start.attention)
        return work
    }

    static func add(products: Int = 0, gradients: Int = 0, attention: Int = 0) {
        let work = gfn_own_work()
        work.pointee.products += Int64(products)
        work.pointee.gradients += Int64(gradients)
        work.pointee.attention += Int64(attention)
    }

    private static var current: gfn_work { gfn_own_work().pointee }
}
