import Foundation
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("What a node has left of memory")
    struct NodeMemories {
        /// What the system says with these files, by path.
        private func available(_ files: [String: String]) throws -> Int? {
            let folder = try TemporaryFolder()
            for (path, text) in files {
                let place = URL(fileURLWithPath: folder.path + path)
                try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: place)
            }
            return NodeMemory(root: folder.path).available
        }

        private static let meminfo = ["/proc/meminfo": "MemTotal:       2000 kB\nMemFree:  10 kB\nMemAvailable:   1000 kB\n"]

        @Test("is MemAvailable where no group has a limit, and unknown where nothing is said")
        func plain() throws {
            #expect(try available(Self.meminfo) == 1000 << 10)
            let group = ["/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/memory.max": "max\n"]
            #expect(try available(Self.meminfo.merging(group) { $1 }) == 1000 << 10)
            #expect(try available([:]) == nil)
            #expect(try available(["/proc/meminfo": "MemTotal: 5 kB\n"]) == nil)
        }

        @Test("is what the tightest control group above the process leaves, files' content aside")
        func second() throws {
            let files = Self.meminfo.merging([
                "/proc/self/cgroup": "0::/slurm/job/step\n",
                "/sys/fs/cgroup/slurm/memory.max": "900000\n", "/sys/fs/cgroup/slurm/memory.current": "500000\n",
                "/sys/fs/cgroup/slurm/memory.stat": "anon 300000\nactive_file 100000\ninactive_file 50000\n",
                "/sys/fs/cgroup/slurm/job/memory.max": "max\n", "/sys/fs/cgroup/slurm/job/memory.current": "400000\n",
                "/sys/fs/cgroup/slurm/job/step/memory.max": "800000\n", "/sys/fs/cgroup/slurm/job/step/memory.current": "100000\n",
            ]) { $1 }
            #expect(try available(files) == 900_000 - (500_000 - 150_000))
            // The path as another namespace has it: the groups that can be seen count.
            let other = files.merging(["/proc/self/cgroup": "0::/slurm/elsewhere/below\n"]) { $1 }
            #expect(try available(other) == 900_000 - (500_000 - 150_000))
            let full = files.merging(["/sys/fs/cgroup/slurm/job/step/memory.current": "900000\n"]) { $1 }
            #expect(try available(full) == 0)
        }

        @Test("is the same of the first version of control groups")
        func first() throws {
            let files = Self.meminfo.merging([
                "/proc/self/cgroup": "12:cpu,cpuacct:/other\n4:memory:/job\n1:name=systemd:/a:b\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "700000\n",
                "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "600000\n",
                "/sys/fs/cgroup/memory/job/memory.usage_in_bytes": "300000\n",
                "/sys/fs/cgroup/memory/job/memory.stat": "total_active_file 20000\ntotal_inactive_file 30000\nactive_file 7\n",
            ]) { $1 }
            #expect(try available(files) == 600_000 - 250_000)
        }
    }
}
