internal import CKernels

/// Rows of x in the forms that products read, in this thread's scratch memory: valid until the thread's next product.
///
///     pairs of bf16 [M, ⌈K/2⌉] · integers for each layout of codes [M, bytes of a row] · pairs of each x Aᵀ [M, ⌈r/2⌉]
struct ProductInputs {
    private let x: UnsafePointer<Float>
    private let rows, stride, inputs: Int
    private let pairs: UnsafeMutableRawPointer?
    private var integers: [Integers] = []
    /// By term; nil where there is no low-rank part, or one in fp32.
    private var projections: [UnsafeMutableRawPointer?] = []

    private struct Integers {
        let codes: UnsafePointer<gfn_codes>
        let rowBytes: Int
        let memory: UnsafeMutablePointer<UInt8>
    }

    init(_ x: UnsafePointer<Float>, rows M: Int, stride: Int, for terms: [ProductTerm]) {
        (self.x, rows, self.stride) = (x, M, stride)
        inputs = terms[0].weights.inputs
        let layout = ProductInputLayout(terms, rows: M)
        let memory = gfn_scratch(Int32(gfn_scratch_inputs), layout.byteCount)
        var offset = layout.pairs
        pairs = layout.pairs > 0 ? memory : nil
        for codes in layout.codes {
            let rowBytes = ProductInputLayout.integerBytes(inputs, codes)
            integers.append(Integers(codes: codes, rowBytes: rowBytes, memory: (memory + offset).assumingMemoryBound(to: UInt8.self)))
            offset += M * rowBytes
        }
        for bytes in layout.projections {
            projections.append(bytes > 0 ? memory + offset : nil)
            offset += bytes
        }
    }

    /// Of the largest form.
    var bytesOfRow: Int {
        if pairs == nil && integers.isEmpty { return 4 * inputs }
        return max(pairs == nil ? 0 : 2 * inputs, integers.map(\.rowBytes).max() ?? 0)
    }

    /// Makes all forms, row by row, and every x Aᵀ.
    func prepare(_ terms: [ProductTerm], parallel: Parallel, _ kernels: UnsafePointer<gfn_kernels>) {
        let work = terms.reduce(pairs == nil && integers.isEmpty ? 0 : 2 * inputs) { sum, term in
            sum + (term.lowRank.map { $0.a.outputs * inputs / 8 } ?? 0)
        }
        guard work > 0 else { return }
        // A whole number of tiles, and no fewer rows than are worth a thread's waking.
        let tile = 6, grain = max(1, 100_000 / (tile * work)), tiles = (rows + tile - 1) / tile
        parallel.forEach(tiles, grain: grain) { part in
            let range = part.lowerBound * tile..<min(part.upperBound * tile, rows)
            if let pairs {
                let width = (inputs + 1) / 2 * 2
                gfn_round_rows(
                    kernels, x + range.lowerBound * stride, stride, range.count, inputs, pairs + 2 * range.lowerBound * width)
            }
            for form in integers {
                kernels.pointee.round_integers(
                    form.codes, x + range.lowerBound * stride, stride, range.count, inputs, form.memory + range.lowerBound * form.rowBytes,
                    form.rowBytes)
            }
            for (index, term) in terms.enumerated() {
                if let low = term.lowRank { project(low, index, range, kernels) }
            }
        }
    }

    private func project(_ low: LowRankTerm, _ index: Int, _ range: Range<Int>, _ kernels: UnsafePointer<gfn_kernels>) {
        let a = low.a, rank = a.outputs, (input, stride) = form(for: a)
        var job = gfn_product(
            x: input, x_stride: stride, w: a.bytes, codes: nil, outputs: rank, steps: a.steps, y: low.projected, y_stride: rank, scale: 1,
            addend: nil, bias: nil, low_rank: nil)
        a.kind.run(kernels)(&job, 0, a.panels, range.lowerBound, range.upperBound)
        guard let pairs = projections[index] else { return }
        gfn_round_rows(
            kernels, low.projected + range.lowerBound * rank, rank, range.count, rank, pairs + 4 * range.lowerBound * low.b.steps)
    }

    /// What a product with these weights reads, and the distance of its rows (`gfn_product`).
    func form(for w: PackedMatrix) -> (UnsafeRawPointer, Int) {
        switch w.kind {
        case .fp32: return (UnsafeRawPointer(x), stride)
        case .bf16, .transposedCodes:
            guard let pairs else { preconditionFailure("a product with bf16 weights of rows that were not rounded to it") }
            return (UnsafeRawPointer(pairs), w.steps)
        case .codes:
            guard let form = integers.first(where: { ProductInputLayout.isSame($0.codes, w.codes) }) else {
                preconditionFailure("a product with codes of rows that were not rounded for them")
            }
            return (UnsafeRawPointer(form.memory), form.rowBytes)
        }
    }

    /// x Aᵀ of a term, as the product with B reads it.
    func projection(_ index: Int, of low: LowRankTerm) -> (UnsafeRawPointer, Int) {
        projections[index].map { (UnsafeRawPointer($0), low.b.steps) } ?? (UnsafeRawPointer(low.projected), low.a.outputs)
    }
}

/// How many bytes the forms take, and which there are.
struct ProductInputLayout {
    var pairs = 0
    var codes: [UnsafePointer<gfn_codes>] = []
    var projections: [Int] = []
    private var integers = 0

    var byteCount: Int { projections.reduce(pairs + integers, +) }

    init(_ terms: [ProductTerm], rows M: Int) {
        let inputs = terms[0].weights.inputs
        for term in terms {
            for w in [term.weights] + (term.lowRank.map { [$0.a] } ?? []) {
                switch w.kind {
                case .fp32: break
                case .bf16, .transposedCodes: pairs = Self.aligned(M * ((inputs + 1) / 2) * 4)
                case .codes:
                    guard let layout = w.codes, !codes.contains(where: { Self.isSame($0, layout) }) else { break }
                    codes.append(layout)
                    integers += M * Self.integerBytes(inputs, layout)
                }
            }
            projections.append(term.lowRank.map { $0.b.kind == .bf16 ? Self.aligned(M * $0.b.steps * 4) : 0 } ?? 0)
        }
    }

    static func integerBytes(_ inputs: Int, _ codes: UnsafePointer<gfn_codes>) -> Int {
        aligned(2 * inputs + inputs / codes.pointee.group * MemoryLayout<gfn_integer_group>.stride)
    }

    /// Whether rows of x are rounded alike for both.
    static func isSame(_ left: UnsafePointer<gfn_codes>, _ right: UnsafePointer<gfn_codes>?) -> Bool {
        guard let other = right?.pointee else { return false }
        let one = left.pointee
        return one.group == other.group && one.bits == other.bits && one.zero == other.zero
    }

    private static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }
}

extension CodeFormat {
    /// Bytes of a row of x as a product with such codes reads it.
    package func inputBytes(_ inputs: Int) -> Int {
        withUnsafePointer(to: layout(transposed: false)) { ProductInputLayout.integerBytes(inputs, $0) }
    }
}
