internal import CKernels

typealias ProductFunction = @convention(c) (UnsafePointer<gfn_product>, Int, Int, Int, Int) -> Void

struct ProductJob {
    let run: ProductFunction
    let job: gfn_product
    let panels: Int
}

/// Products of M rows as units of work that threads share: the panels of one after those of another, and where there are few of them,
/// each cut into parts of the rows.
struct ProductUnits {
    private let jobs: [ProductJob]
    private let rows: Int
    private let panels: Int

    init(_ jobs: [ProductJob], rows: Int) {
        self.jobs = jobs
        self.rows = rows
        panels = jobs.reduce(0) { $0 + $1.panels }
    }

    func run(parallel: Parallel) {
        guard parallel.threads > 1 else {
            for job in jobs { run(job, panels: 0..<job.panels, rows: 0..<rows) }
            return
        }
        // Sixteen units for a thread, so that none waits long for another; each with rows enough to be worth reading weights for.
        let parts = max(1, min((16 * parallel.threads + panels - 1) / panels, rows / 32))
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

    /// Panels counted over all jobs.
    private func run(panels range: Range<Int>, rows: Range<Int>) {
        var first = 0
        for job in jobs {
            let own = range.clamped(to: first..<first + job.panels)
            if !own.isEmpty { run(job, panels: own.lowerBound - first..<own.upperBound - first, rows: rows) }
            first += job.panels
        }
    }

    private func run(_ job: ProductJob, panels: Range<Int>, rows: Range<Int>) {
        withUnsafePointer(to: job.job) { job.run($0, panels.lowerBound, panels.upperBound, rows.lowerBound, rows.upperBound) }
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
            "multiply: an adapter [\(low.b.outputs), \(low.b.inputs)] · [\(low.a.outputs), \(low.a.inputs)] for a matrix [\(weights.outputs), \(K)]")
    }
}
