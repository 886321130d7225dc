internal import CKernels

typealias ProductFunction = @convention(c) (UnsafePointer<gfn_product>, Int, Int, Int, Int) -> Void

struct ProductJob {
    let run: ProductFunction
    let job: gfn_product
    let panels: Int
}

/// Products of M rows as units of work that threads share: a panel of weights with a part of the rows.
///
/// Rows that a core's second cache holds meet one panel after another, since weights are read once then; where all rows are more than that,
/// a part of them meets all panels before the next part does. Few rows are cut only where there are few panels.
struct ProductUnits {
    private let jobs: [ProductJob]
    private let rows: Int
    /// Of all jobs, one after another.
    private let panels: Int
    private let rowBytes: Int

    private static let cachedBytes = 400 << 10

    init(_ jobs: [ProductJob], rows: Int, rowBytes: Int) {
        self.jobs = jobs
        self.rows = rows
        self.rowBytes = rowBytes
        panels = jobs.reduce(0) { $0 + $1.panels }
    }

    func run(parallel: Parallel) {
        let parts = (rows * rowBytes + Self.cachedBytes - 1) / Self.cachedBytes
        if parts > 1 {
            parallel.forEach(parts * panels) { units in
                var unit = units.lowerBound
                while unit < units.upperBound {
                    let part = unit / panels, panel = unit % panels, end = min(panels, panel + units.upperBound - unit)
                    run(panels: panel..<end, rows: part * rows / parts..<(part + 1) * rows / parts)
                    unit += end - panel
                }
            }
        } else {
            // Sixteen units for a thread, so that none waits long for another; each with rows enough to be worth reading weights for.
            let wanted = parallel.threads == 1 ? 1 : (16 * parallel.threads + panels - 1) / panels, parts = max(1, min(wanted, rows / 32))
            parallel.forEach(panels * parts) { units in
                var unit = units.lowerBound
                while unit < units.upperBound {
                    let panel = unit / parts, part = unit % parts
                    let isWhole = part == 0 && units.upperBound - unit >= parts
                    let end = isWhole ? panel + (units.upperBound - unit) / parts : panel + 1
                    let lastPart = isWhole ? parts : min(parts, part + units.upperBound - unit)
                    run(panels: panel..<end, rows: part * rows / parts..<lastPart * rows / parts)
                    unit = isWhole ? end * parts : panel * parts + lastPart
                }
            }
        }
    }

    /// Panels counted over all jobs.
    private func run(panels range: Range<Int>, rows: Range<Int>) {
        var first = 0
        for job in jobs {
            let own = range.clamped(to: first..<first + job.panels)
            if !own.isEmpty {
                withUnsafePointer(to: job.job) {
                    job.run($0, own.lowerBound - first, own.upperBound - first, rows.lowerBound, rows.upperBound)
                }
            }
            first += job.panels
        }
    }
}

extension PackedMatrix.Kind {
    /// The kernel that multiplies with it.
    func run(_ kernels: UnsafePointer<gfn_kernels>) -> ProductFunction {
        switch self {
        case .fp32: kernels.pointee.multiply_fp32
        case .bf16: kernels.pointee.multiply_bf16
        case .transposedCodes: kernels.pointee.multiply_codes
        case .codes: kernels.pointee.multiply_integers
        }
    }
}

extension ProductTerm {
    func check(inputs K: Int) {
        precondition(
            weights.inputs == K && stride >= weights.outputs,
            "multiply: rows of \(K) and a stride of \(stride) for a matrix [\(weights.outputs), \(weights.inputs)]")
        guard let low = lowRank else { return }
        precondition(
            low.a.inputs == K && low.b.outputs == weights.outputs && low.a.outputs == low.b.inputs && low.a.codes == nil
                && low.a.kind == low.b.kind && (low.a.kind == .fp32) == (weights.kind == .fp32),
            "multiply: an adapter [\(low.b.outputs), \(low.b.inputs)] · [\(low.a.outputs), \(low.a.inputs)] for a matrix "
                + "[\(weights.outputs), \(K)]")
    }
}
