internal import Collective
internal import Model
internal import Tensor

/// What this machine can do at most, and how near the program's own kernels come: arithmetic, memory, matrix products,
/// compression, disk.
struct LimitsBench {
    let settings: BenchSettings

    /// Long enough for the clock of the machine's load to say something.
    static let secondsOfSample = 0.1
    /// Floats of a vector for the memory's speed: 256 MiB, more than caches hold.
    private static let memoryCount = 64 << 20
    /// Cold matrices together fill at least so much, unless that takes more of them than anybody needs.
    private static let coldBytes = 160_000_000
    private static let mostCopies = 400

    /// Samples of what is short.
    private static let repetitions = 9

    func run(report: (Measurement) -> Void) throws {
        let parts = settings.limitParts
        let threads = Set([1] + settings.threads).sorted()
        if parts.contains("peak") {
            for instruction in MachineLimit.Instruction.allCases {
                if instruction.isPresent {
                    for threads in threads {
                        var peak = PeakRate(instruction, threads: threads, settings)
                        for _ in 0..<max(Self.repetitions, settings.repetitions) { peak.sample() }
                        report(peak.measurement)
                    }
                } else {
                    Launch.say("this processor has no \(instruction.rawValue): its speed is left out")
                }
            }
        }
        if parts.contains("mem") { memory(threads, report) }
        for shape in settings.shapes {
            let product = Product(rows: shape[0], inputs: shape[1], outputs: shape[2])
            for isCold in product.isOftenCold ? [false, true] : [false] {
                for precision in [Precision.bf16, .fp32] where parts.contains("products") {
                    multiply(product, precision, isCold: isCold, report)
                }
                if parts.contains("blas") { multiplyByLibrary(product, isCold: isCold, report) }
            }
        }
        if parts.contains("zstd") { try compress(report) }
        if parts.contains("disk") {
            if settings.work.isEmpty {
                Launch.say("BENCH_WORK is not set, which names a folder to write to: the disk is left out")
            } else {
                try DiskBench(settings: settings).run(in: settings.work, report: report)
            }
        }
    }

    private func memory(_ threads: [Int], _ report: (Measurement) -> Void) {
        // Zeros that were written, so that all of them lie in memory of their own.
        let vectors = (0..<3).map { _ in FloatTensor(Self.memoryCount) }, gigabytes = 4e-9 * Double(Self.memoryCount)
        for threads in threads {
            let parallel = Parallel(threads: threads)
            func measure(_ name: String, _ variant: String, gigabytes: Double, _ body: () -> Void) {
                var measurement = Measurement(
                    suite: "memory", caseName: name, variant: settings.variant(variant), threads: threads, metric: .gigabytesPerSecond)
                let calls = Measurement.calls(lasting: Self.secondsOfSample, body)
                measurement.sample(settings, atLeast: Self.repetitions, calls: calls, work: gigabytes, body)
                report(measurement)
            }
            // Lines that a processor reads before it writes them are not counted.
            measure("triad 3x256MiB", "fp32", gigabytes: 3 * gigabytes) {
                MachineLimit.triad(vectors[0], vectors[1], vectors[2], parallel: parallel)
            }
            measure("read 256MiB", "read", gigabytes: gigabytes) { MachineLimit.read(vectors[1], parallel: parallel) }
        }
    }

    /// y [M, N] = x [M, K] · Wᵀ, with W [N, K].
    private struct Product {
        let rows, inputs, outputs: Int

        var gigaflops: Double { 2e-9 * Double(rows * inputs * outputs) }
        /// Few rows meet weights that are not in a cache, as when decoding; output matrices never are.
        var isOftenCold: Bool { rows <= 64 && outputs < 40_000 }

        func name(isCold: Bool) -> String { "\(rows)x\(inputs)x\(outputs)\(isCold ? " cold" : "")" }
        func copies(of bytes: Int, isCold: Bool) -> Int {
            isCold ? min(LimitsBench.mostCopies, (LimitsBench.coldBytes + bytes - 1) / bytes) : 1
        }
    }

    /// By the model's own product, which rounds x first where the weights are in bf16.
    private func multiply(_ product: Product, _ precision: Precision, isCold: Bool, _ report: (Measurement) -> Void) {
        let (M, K, N) = (product.rows, product.inputs, product.outputs)
        let copies = product.copies(of: PackedMatrix.byteCount(outputs: N, inputs: K, precision: precision), isCold: isCold)
        let numbers = Self.numbers(N * K, slot: 0), x = Self.numbers(M * K, slot: 1), y = FloatTensor(M, N)
        let matrices = (0..<copies).map { _ in PackedMatrix(outputs: N, inputs: K, precision: precision) }
        for matrix in matrices { matrix.pack(outputs: 0..<N, from: numbers.base, stride: K) }
        let name = settings.variant("\(precision.rawValue) \(KernelFamily.current.rawValue)")
        measure(product, name, copies: copies, isCold: isCold, report) { copy, parallel in
            Kernel.multiply(x.base, rows: M, stride: K, by: matrices[copy], into: y.base, stride: N, parallel: parallel)
        }
    }

    /// By OpenBLAS's sgemm, as the program calls it: yᵀ is added to, in blocks of 256 outputs, which are the threads' shares.
    private func multiplyByLibrary(_ product: Product, isCold: Bool, _ report: (Measurement) -> Void) {
        let (M, K, N) = (product.rows, product.inputs, product.outputs)
        let copies = product.copies(of: 4 * N * K, isCold: isCold)
        let x = Self.numbers(K * M, slot: 1), y = FloatTensor(N, M), first = Self.numbers(K * N, slot: 0)
        let weights = [first] + (1..<copies).map { _ in
            let copy = FloatTensor(K, N)
            copy.base.update(from: first.base, count: first.count)
            return copy
        }
        let name = settings.variant("OpenBLAS fp32 \(WeightGradientLibrary.core)")
        measure(product, name, copies: copies, isCold: isCold, report) { copy, parallel in
            Kernel.accumulateWeightGradient(
                weights[copy].base, stride: N, x.base, stride: M, rows: K, outputs: N, inputs: M, into: y.base, parallel: parallel)
        }
    }

    private func measure(
        _ product: Product, _ variant: String, copies: Int, isCold: Bool, _ report: (Measurement) -> Void,
        _ multiply: (_ copy: Int, _ parallel: Parallel) -> Void
    ) {
        for threads in settings.threads {
            let parallel = Parallel(threads: threads)
            var turn = 0
            func next() {
                turn = (turn + 1) % copies
                multiply(turn, parallel)
            }
            let calls = Measurement.calls(lasting: Self.secondsOfSample, next)
            var measurement = Measurement(
                suite: "gemm", caseName: product.name(isCold: isCold), variant: variant, threads: threads, metric: .gigaflops)
            measurement.sample(settings, calls: calls, work: product.gigaflops, next)
            report(measurement)
        }
    }

    /// An adapter as it is sent, whole and as its changes, by the coding that the weight broadcast uses: XOR, planes of bytes, zstd,
    /// checksum. Throws what reading the files throws.
    private func compress(_ report: (Measurement) -> Void) throws {
        compress(AdapterVersions(rank: settings.rank), "synthetic", report)
        guard let files = settings.adapters else { return }
        let (before, after) = (try NumpyVector.read(files.before), try NumpyVector.read(files.after))
        guard before.count == after.count, !after.isEmpty else {
            throw RunError.badData(
                "\(files.before) and \(files.after) have \(before.count) and \(after.count) numbers; "
                    + "expected as many of one adapter before and after a step")
        }
        compress(AdapterVersions(before: before.roundedToBFloat16, after: after.roundedToBFloat16), "trained", report)
    }

    private func compress(_ versions: AdapterVersions, _ name: String, _ report: (Measurement) -> Void) {
        let compression = Compression()
        let earlier: WeightCoding.Versioned = (bits: versions.before, version: 1)
        for (form, base) in [("weights", nil), ("xor", earlier)] as [(String, WeightCoding.Versioned?)] {
            func encoded() -> EncodedWeights {
                WeightCoding.encode(bits: versions.after, version: 2, against: base, using: compression)
            }
            let message = encoded(), megabytes = 1e-6 * Double(message.rawBytes)
            func measurement(_ direction: String) -> Measurement {
                var measurement = Measurement(
                    suite: "zstd", caseName: "\(name) \(form) bf16", variant: settings.variant("L1 shuffled \(direction)"), threads: 1,
                    metric: .megabytesPerSecond)
                let ratio = Double(message.rawBytes) / Double(message.compressedBytes)
                measurement.note = "ratio \(Double(Int(1000 * ratio)) / 1000), checksum included"
                return measurement
            }
            var compressing = measurement("comp"), reading = measurement("decomp")
            compressing.sample(settings, work: megabytes) { _ = encoded() }
            reading.sample(settings, work: megabytes) {
                guard (try? WeightCoding.decode(message.payload, having: base, using: compression)) != nil else {
                    preconditionFailure("what was just encoded cannot be decoded")
                }
            }
            report(compressing)
            report(reading)
        }
    }

    private static func numbers(_ count: Int, slot: Int) -> FloatTensor {
        var random = RandomStream(seed: 0, purpose: .task, slot: slot)
        let numbers = FloatTensor(count)
        for i in 0..<count { numbers.base[i] = random.uniform() - 0.5 }
        return numbers
    }
}
