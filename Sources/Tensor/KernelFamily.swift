internal import CKernels
internal import Foundation

/// The number format of a matrix product's inputs; sums are always single precision.
package enum Precision: String, Sendable, CaseIterable {
    case fp32
    /// Weights and inputs rounded to bfloat16.
    case bf16

    /// Of a number.
    package var byteCount: Int { self == .fp32 ? 4 : 2 }
}

/// Which instructions the kernels use. All families give the same bits; they differ in speed.
package enum KernelFamily: String, Sendable, CaseIterable {
    case portable, avx2, avx512, avx512bf16

    /// The environment variable that forces a family.
    package static let variable = "GFN_KERNELS"

    /// The family named by `GFN_KERNELS`, or else the fastest that this processor has. Read once.
    ///
    /// A name that cannot be selected traps: the program checks it first with `selectable(named:)`.
    package static let current: KernelFamily = {
        guard let name = ProcessInfo.processInfo.environment[variable], !name.isEmpty else {
            return selectable().last ?? .portable
        }
        guard let family = selectable(named: name) else {
            preconditionFailure("\(variable) is \(name); this processor has \(selectable().map(\.rawValue))")
        }
        return family
    }()

    /// The families this processor has, slowest first. The portable one is always there.
    package static func selectable() -> [KernelFamily] { allCases.filter { $0.table != nil } }

    /// The family of that name, nil when there is none or this processor does not have it.
    package static func selectable(named name: String) -> KernelFamily? {
        KernelFamily(rawValue: name).flatMap { $0.table == nil ? nil : $0 }
    }

    private var table: UnsafePointer<gfn_kernels>? {
        switch self {
        case .portable: gfn_kernels_of(gfn_portable)
        case .avx2: gfn_kernels_of(gfn_avx2)
        case .avx512: gfn_kernels_of(gfn_avx512)
        case .avx512bf16: gfn_kernels_of(gfn_avx512bf16)
        }
    }

    var kernels: UnsafePointer<gfn_kernels> {
        guard let table else { preconditionFailure("this processor has no \(rawValue) kernels") }
        return table
    }
}
