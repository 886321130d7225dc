internal import Tensor

/// How many operations a second an instruction does on registers alone, on all threads at once. The processor must have it.
struct PeakRate {
    /// In GFLOP/s.
    private(set) var measurement: Measurement
    private let instruction: MachineLimit.Instruction
    private let parallel: Parallel
    private let calls: Int
    private let quiet: QuietMachine

    private static let rounds = 1 << 16

    init(_ instruction: MachineLimit.Instruction, threads: Int, _ settings: BenchSettings) {
        precondition(instruction.isPresent, "this processor has no \(instruction.rawValue)")
        let parallel = Parallel(threads: threads)
        (self.instruction, self.parallel, quiet) = (instruction, parallel, settings.quiet)
        calls = Measurement.calls(lasting: LimitsBench.secondsOfSample) {
            _ = instruction.run(rounds: Self.rounds, parallel: parallel)
        }
        measurement = Measurement(
            suite: "peak", caseName: instruction.rawValue, variant: settings.variant("registers"), threads: threads, metric: .gigaflops)
    }

    /// Adds a sample and returns it.
    @discardableResult
    mutating func sample() -> Double {
        quiet.wait()
        let meter = LoadMeter()
        var operations = 0
        for _ in 0..<calls { operations += instruction.run(rounds: Self.rounds, parallel: parallel) }
        let reading = meter.read(), rate = 1e-9 * Double(operations) / max(1e-9, reading.seconds)
        measurement.add(rate, reading)
        return rate
    }
}
