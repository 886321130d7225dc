internal import Tensor

/// How fast the gradients of low-rank matrices are summed, on one thread: A [rank, width] and B [width, rank], over M rows.
///
/// The program's kernel and OpenBLAS's sgemm take turns, sample by sample, on the same numbers.
struct AdapterGradientBench {
    let settings: BenchSettings

    /// Rows, outputs and inputs: the maps of SmolLM2-135M and of an 8B model, at ranks that are in use.
    private static let cases = [
        (512, 576, 16), (512, 16, 576), (512, 1536, 16), (512, 16, 1536), (2048, 576, 16), (2048, 16, 576), (2048, 1536, 16),
        (2048, 16, 1536), (2048, 192, 16), (130, 128, 8), (130, 8, 128), (1024, 576, 64), (1024, 64, 576), (1024, 4096, 16),
        (1024, 16, 4096), (512, 14336, 16), (512, 16, 14336),
    ]

    func run(report: (Measurement) -> Void) {
        for (rows, outputs, inputs) in Self.cases {
            let dy = Self.numbers(rows * outputs, slot: 0), x = Self.numbers(rows * inputs, slot: 1)
            let gradient = FloatTensor(outputs, inputs)
            func measurement(_ variant: String) -> Measurement {
                Measurement(
                    suite: "adapter", caseName: "M=\(rows) N=\(outputs) K=\(inputs)",
                    variant: settings.variant(variant), threads: 1, metric: .gigaflops)
            }
            var (own, other) = (measurement(KernelFamily.current.rawValue), measurement(WeightGradientLibrary.core))
            let operations = 2e-9 * Double(rows * outputs * inputs)
            // A sample lasts some milliseconds, in which the clock's own steps do not count.
            let calls = max(1, Int(0.5 / operations))
            func sample(_ body: () -> Void) -> (Double, LoadMeter.Reading) {
                let meter = LoadMeter()
                for _ in 0..<calls { body() }
                let reading = meter.read()
                return (operations * Double(calls) / max(1e-9, reading.seconds), reading)
            }
            func byKernel() {
                Kernel.accumulateOuterProduct(
                    dy.base, stride: outputs, x.base, stride: inputs, rows: rows, outputs: outputs, inputs: inputs, scale: 1,
                    into: gradient.base, parallel: .serial)
            }
            func byLibrary() {
                Kernel.accumulateWeightGradient(
                    dy.base, stride: outputs, x.base, stride: inputs, rows: rows, outputs: outputs, inputs: inputs, into: gradient.base,
                    parallel: .serial)
            }
            byKernel()
            byLibrary()
            for _ in 0..<max(9, settings.repetitions) {
                let (a, b) = (sample(byKernel), sample(byLibrary))
                own.add(a.0, a.1)
                other.add(b.0, b.1)
            }
            report(own)
            report(other)
        }
    }

    private static func numbers(_ count: Int, slot: Int) -> FloatTensor {
        var random = RandomStream(seed: 0, purpose: .task, slot: slot)
        return FloatTensor((0..<count).map { _ in random.uniform() - 0.5 }, shape: Shape(count))
    }
}
