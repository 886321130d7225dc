internal import Foundation
internal import Tensor

/// How fast files are written until the disk has them, read when the system has forgotten them, and made longer by a little.
struct DiskBench {
    let settings: BenchSettings
    /// Of the files that are written, in MiB; the last one is read.
    var sizes = [20, 500]

    private static let blockBytes = 8 << 20
    private static let lineBytes = 4096

    /// In a folder, which is made where it is not there; what was written is removed. Throws `RunError.inputOutput`.
    func run(in folder: String, report: (Measurement) -> Void) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw RunError.inputOutput("the folder \(folder) of BENCH_WORK cannot be made: \(error.localizedDescription)")
        }
        let path = "\(folder)/gfn-bench-\(UUID().uuidString)"
        defer { unlink(path) }
        // Numbers that nothing compresses, a block at a time.
        var random = RandomStream(seed: 0, purpose: .task)
        let block = (0..<Self.blockBytes / 8).map { _ in random.next() }
        for size in sizes {
            try measure("write+fsync \(size) MiB", "write", .megabytesPerSecond, work: 1e-6 * Double(size << 20), report) {
                try write(size << 20, of: block, to: path, O_TRUNC)
            }
        }
        guard let size = sizes.last else { return }
        try measure("cold read \(size) MiB", "read", .megabytesPerSecond, work: 1e-6 * Double(size << 20), report) {
            try PageCache.drop(path)
            try read(path)
        }
        try measure("append 4 KiB + fsync", "write", .seconds("latency"), work: 1, report) {
            try write(Self.lineBytes, of: block, to: path, O_APPEND)
        }
    }

    private func measure(
        _ name: String, _ variant: String, _ metric: Measurement.Metric, work: Double, _ report: (Measurement) -> Void,
        _ body: () throws -> Void
    ) throws {
        var measurement = Measurement(suite: "disk", caseName: name, variant: settings.variant(variant), threads: 1, metric: metric)
        let calls = try Measurement.calls(lasting: LimitsBench.secondsOfSample, body)
        try measurement.sample(settings, calls: calls, work: work, body)
        report(measurement)
    }

    private func write(_ bytes: Int, of block: [UInt64], to path: String, _ flag: Int32) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flag, 0o600)
        guard descriptor >= 0 else { throw failure(path, "opened") }
        defer { close(descriptor) }
        try block.withUnsafeBytes { block in
            var left = bytes
            while left > 0 {
                let count = Glibc.write(descriptor, block.baseAddress, min(left, block.count))
                if count >= 0 { left -= count } else if errno != EINTR { throw failure(path, "written") }
            }
        }
        guard fsync(descriptor) == 0 else { throw failure(path, "written") }
    }

    private func read(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "opened") }
        defer { close(descriptor) }
        try withUnsafeTemporaryAllocation(byteCount: Self.blockBytes, alignment: 4096) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count == 0 { return }
                if count < 0, errno != EINTR { throw failure(path, "read") }
            }
        }
    }

    private func failure(_ path: String, _ action: String) -> RunError {
        RunError.inputOutput("\(path) cannot be \(action): \(String(cString: strerror(errno)))")
    }
}
