internal import Tensor

/// Products with weights in codes beside those with the same weights in bf16, in turn: the time of the one divided by that of the other,
/// and as another figure the bytes that they read.
///
/// There are as many matrices as it takes to fill more memory than the caches have, so that each product finds its weights cold.
struct CodesBench {
    let settings: BenchSettings

    /// Outputs and inputs: maps of SmolLM2-135M and of an 8B model.
    private static let shapes = [(1536, 576), (4096, 4096)]
    private static let rows = [1, 4, 8, 32, 64, 512]
    private static let formats: [(name: String, format: CodeFormat)] = [
        ("Q4_0", CodeFormat(bits: 4, group: 32, hasOffsets: false)), ("Q4_1, Q4_K", CodeFormat(bits: 4, group: 32, hasOffsets: true)),
        ("Q8_0, Q5_0", CodeFormat(bits: 8, group: 32, hasOffsets: false)), ("Q5_1, Q5_K", CodeFormat(bits: 8, group: 32, hasOffsets: true)),
        ("Q6_K", CodeFormat(bits: 8, group: 16, hasOffsets: false)),
    ]
    private static let coldBytes = 192 << 20

    func run(report: (Measurement) -> Void) {
        for (outputs, inputs) in Self.shapes {
            // K is a multiple of 256 in some formats only.
            for (name, format) in Self.formats where inputs % format.group == 0 {
                for transposed in [false, true] { compare(name, format, outputs, inputs, transposed, report) }
            }
        }
    }

    private func compare(
        _ name: String, _ format: CodeFormat, _ N: Int, _ K: Int, _ transposed: Bool, _ report: (Measurement) -> Void
    ) {
        // As the products see it: the transposed matrix takes N numbers to K.
        let (outputs, inputs) = transposed ? (K, N) : (N, K)
        let codeBytes = PackedMatrix.byteCount(outputs: outputs, inputs: inputs, codes: format, transposed: transposed)
        let plainBytes = PackedMatrix.byteCount(outputs: outputs, inputs: inputs, precision: .bf16)
        let copies = max(1, Self.coldBytes / codeBytes)
        var places = ArenaCursor(MemoryArena.required(byteCount: copies * ArenaCursor.extent(codeBytes)))
        let codes = (0..<copies).map { _ in PackedMatrix(outputs: outputs, inputs: inputs, codes: format, transposed: transposed, in: &places) }
        var plainPlaces = ArenaCursor(MemoryArena.required(byteCount: copies * ArenaCursor.extent(plainBytes)))
        let plain = (0..<copies).map { _ in PackedMatrix(outputs: outputs, inputs: inputs, precision: .bf16, in: &plainPlaces) }
        let rows = CodeRows(N, width: K, format: format), numbers = FloatTensor(N, K)
        var random = RandomStream(seed: 0, purpose: .task)
        for i in 0..<N * K / format.group { (rows.scales[i], rows.offsets[i]) = (0x1p-10, format.hasOffsets ? -0x1p-7 : 0) }
        for i in 0..<N * K {
            let code = Int8(truncatingIfNeeded: Int(random.next() % 16)) - (format.bits == 4 && format.hasOffsets ? 0 : 8)
            rows.codes[i] = code
            numbers.base[i] = Float(code) * 0x1p-10 - (format.hasOffsets ? 0x1p-7 : 0)
        }
        for matrix in codes { matrix.pack(0..<N, from: rows) }
        for matrix in plain {
            if transposed { matrix.packTransposed(inputs: 0..<N, from: numbers.base, stride: K) } else { matrix.pack(outputs: 0..<N, from: numbers.base, stride: K) }
        }
        for M in Self.rows {
            for threads in settings.threads {
                let x = FloatTensor(M, inputs), y = FloatTensor(M, outputs), parallel = Parallel(threads: threads)
                for i in 0..<x.count { x.base[i] = random.uniform() - 0.5 }
                var measurement = Measurement(
                    suite: "codes", caseName: "M=\(M) \(N)×\(K)\(transposed ? " backward" : "")",
                    variant: settings.variant(name), threads: threads, metric: .ratio)
                func sample(_ matrices: [PackedMatrix], _ calls: Int) -> LoadMeter.Reading {
                    let meter = LoadMeter()
                    for call in 0..<calls {
                        Kernel.multiply(
                            x.base, rows: M, stride: inputs, by: matrices[call % matrices.count], into: y.base, stride: outputs,
                            parallel: parallel)
                    }
                    return meter.read()
                }
                // Each matrix is met once in a round, or as often as it takes to last some milliseconds.
                let calls = max(4, min(copies, Int(4e9 / (2 * Double(M * N * K)))))
                _ = (sample(codes, calls), sample(plain, calls))
                for _ in 0..<max(9, settings.repetitions) {
                    let (a, b) = (sample(codes, calls), sample(plain, calls))
                    measurement.add(a.seconds / max(1e-9, b.seconds), a)
                }
                report(measurement)
            }
        }
    }
}
