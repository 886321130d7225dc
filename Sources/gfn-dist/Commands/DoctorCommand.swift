internal import ArgumentParser
internal import Collective
internal import Foundation

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine offers and what is missing: MPI, processor, memory, disk, model and data.",
        usage: """
            gfn-dist doctor
            gfn-dist doctor --ranks 4 --config run.yaml
            mpirun -n 4 gfn-dist doctor
            """)

    @OptionGroup var options: RunOptions
    @Option(name: .long, help: ArgumentHelp("Ranks that a run would have on this node; under MPI, those there are.", valueName: "n"))
    var ranks: Int?
    @Flag(name: .long, help: "One JSON object a line.")
    var json = false
    /// As one of the ranks that `MPICheck` starts.
    @Flag(name: .long, help: .hidden)
    var meet = false

    func validate() throws {
        if let ranks, !(1...1024).contains(ranks) { throw ValidationError("--ranks is \(ranks), expected 1 to 1024") }
    }

    func run() throws {
        let (options, ranks, json, meet) = (options, ranks, json, meet)
        Launch.perform(ranks: nil) { launch in
            let all = try launch.everyRank { communicator -> [DoctorLine] in
                if meet || communicator.size > 1 { try MPICheck.meet(communicator, speaks: meet) }
                return meet ? [] : try Self.lines(options, ranks ?? launch.ranksOnNode, communicator)
            }
            guard !meet, launch.isFirst, let lines = all.first else { return }
            try Self.say(lines, asJSON: json)
        }
    }

    /// Rank 0's lines, and what is not fine on other nodes.
    private static func lines(_ options: RunOptions, _ ranks: Int, _ communicator: any Communicator) throws -> [DoctorLine] {
        var checks = NodeChecks(ranks: ranks, threads: options.settings.threads)
        if let output = options.output { checks.folder = output }
        let host = ProcessInfo.processInfo.hostName
        let own = NodeReport(host: host, cores: CoreSet.ofThisProcess.text, lines: checks.lines())
        guard communicator.size > 1 else { return own.lines + MPICheck().lines() + RunCheck(options: options, ranks: ranks).lines() }
        let reports = try communicator.allGather(Array(try JSONEncoder().encode(own))).map { bytes in
            try JSONDecoder().decode(NodeReport.self, from: Data(bytes))
        }
        guard communicator.rank == 0 else { return [] }
        let hosts = Set(reports.map(\.host))
        var lines = own.lines
        lines.append(.fine(
            "MPI", "\(reports.count) ranks on \(hosts.count) node\(hosts.count == 1 ? "" : "s") met and exchanged bytes"))
        for (rank, report) in reports.enumerated() { lines.append(.fine("rank \(rank)", "on \(report.host), cores \(report.cores)")) }
        var seen = Set([host])
        for report in reports where seen.insert(report.host).inserted {
            lines += report.lines.filter { $0.state != .fine }.map {
                DoctorLine(topic: $0.topic, state: $0.state, text: "on \(report.host): \($0.text)", remedy: $0.remedy)
            }
        }
        return lines + RunCheck(options: options, ranks: ranks).lines()
    }

    private struct NodeReport: Codable {
        let host, cores: String
        let lines: [DoctorLine]
    }

    /// Prints them, and fails where a run would.
    private static func say(_ lines: [DoctorLine], asJSON: Bool) throws {
        for line in lines {
            if asJSON {
                var object = JSONLine()
                object.add("topic", line.topic)
                object.add("state", line.state.rawValue)
                object.add("text", line.text)
                object.add("remedy", line.remedy)
                print(object.text)
            } else {
                print(line.line)
            }
        }
        let (advice, broken) = (lines.count { $0.state == .advice }, lines.count { $0.state == .broken })
        guard broken == 0 else {
            throw RunError.configuration(
                "\(broken) of \(lines.count) checks say that a run would fail here; the lines that begin with broken say what to do")
        }
        if !asJSON { print(advice == 0 ? "everything is fine" : "a run works; \(advice) line\(advice == 1 ? "" : "s") of advice") }
    }
}
