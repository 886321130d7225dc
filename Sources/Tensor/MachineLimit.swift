internal import CKernels

/// What no program does faster on this machine: instructions on registers alone, and what memory takes.
package enum MachineLimit {
    package enum Instruction: String, CaseIterable, Sendable {
        /// Products of bf16, two sums of two in each lane.
        case vdpbf16ps = "VDPBF16PS"
        /// Fused multiply-add in fp32, as wide as there is.
        case fma = "FMA fp32"
        /// Products of bytes, in sums of four.
        case vpdpbusd = "VPDPBUSD"

        fileprivate var kind: gfn_peak {
            switch self {
            case .vdpbf16ps: gfn_peak_bf16
            case .fma: gfn_peak_fp32
            case .vpdpbusd: gfn_peak_bytes
            }
        }

        /// Whether this processor has it.
        package var isPresent: Bool { gfn_peak_run(kind, 0) > 0 }

        /// Runs rounds of independent instructions, shared by threads; returns the operations done, a product and its sum being two. 0 where
        /// the processor lacks the instruction.
        package func run(rounds: Int, parallel: Parallel) -> Int {
            let parts = 4 * parallel.threads, share = max(1, rounds / parts)
            parallel.forEach(parts) { for _ in $0 { _ = gfn_peak_run(kind, share) } }
            return gfn_peak_run(kind, 0) * share * parts
        }
    }

    /// Reads every element once, shared by threads.
    package static func read(_ numbers: FloatTensor, parallel: Parallel) {
        let words = numbers.count / 2
        numbers.base.withMemoryRebound(to: UInt64.self, capacity: words) { memory in
            nonisolated(unsafe) let memory = memory
            parallel.forEach(words, grain: 1 << 16) { _ = gfn_read(memory + $0.lowerBound, $0.count) }
        }
    }

    /// sums = left + 3 · right, all of one length, shared by threads: two numbers are read for each one that is written.
    package static func triad(_ sums: FloatTensor, _ left: FloatTensor, _ right: FloatTensor, parallel: Parallel) {
        precondition(left.count == sums.count && right.count == sums.count, "sums of vectors of different lengths")
        parallel.forEach(sums.count, grain: 1 << 16) {
            gfn_triad(sums.base + $0.lowerBound, left.base + $0.lowerBound, right.base + $0.lowerBound, 3, $0.count)
        }
    }
}
