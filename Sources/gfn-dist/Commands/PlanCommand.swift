internal import ArgumentParser
internal import Foundation
internal import Learner

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Predict a run's memory, time, traffic and best layout of ranks, from a measurement of seconds.",
        usage: """
            gfn-dist plan --model model.gguf --set data.train=train.jsonl
            gfn-dist plan --config run.yaml --nodes 4 --cores 64 --memory 256GiB --speed 1.5
            gfn-dist plan --config run.yaml --nodes 4 --sbatch run.sbatch --output runs/a
            """)

    @OptionGroup var options: RunOptions
    @Option(name: .long, help: ArgumentHelp("Nodes of the job; 1 unless named.", valueName: "n"))
    var nodes = 1
    @Option(name: .long, help: ArgumentHelp("Ranks of each node; several numbers are tried unless named.", valueName: "n"))
    var ranks: Int?
    @Option(name: .long, help: ArgumentHelp("Cores of each node; those of this one unless named.", valueName: "n"))
    var cores: Int?
    @Option(name: .long, help: ArgumentHelp("Memory of each node, such as 256GiB; what this one has left unless named.", valueName: "size"))
    var memory: String?
    @Option(name: .long, help: ArgumentHelp("How many times as fast as one of this machine a core of the nodes is.", valueName: "x"))
    var speed = 1.0
    @Option(name: .long, help: ArgumentHelp("Bytes a second between two nodes; 1GB unless named.", valueName: "size"))
    var network = "1GB"
    @Option(name: .long, help: ArgumentHelp("Tokens of a response; as the data's solutions, or the limit, unless named.", valueName: "n"))
    var length: Int?
    @Option(name: .long, help: ArgumentHelp("Write a Slurm script for the chosen layout, and the settings beside it.", valueName: "file"))
    var sbatch: String?
    @Flag(name: .long, help: "One JSON object a layout, the chosen one first.")
    var json = false

    func validate() throws {
        let counts = [("nodes", nodes), ("ranks", ranks ?? 1), ("cores", cores ?? 1), ("length", length ?? 2)]
        for (name, value) in counts where !(1...1_000_000).contains(value) {
            throw ValidationError("--\(name) is \(value), expected 1 to 1000000")
        }
        if !(speed > 0 && speed.isFinite) { throw ValidationError("--speed is \(speed), expected a number above 0") }
        for (name, value) in [("memory", memory), ("network", network)] {
            guard let value, ByteSize(value) == nil else { continue }
            throw ValidationError("--\(name) is '\(value)', expected a size such as 256GiB or 10GB")
        }
        if let length, length < 2 { throw ValidationError("--length is \(length), expected at least 2 tokens") }
    }

    func run() throws {
        Launch.perform(ranks: 1) { launch in
            let planned = PlannedNodes(
                count: nodes, cores: cores ?? CoreSet.ofThisProcess.count,
                memory: memory.flatMap { ByteSize($0)?.bytes } ?? NodeMemory().available, network: Double(ByteSize(network)?.bytes ?? 1))
            let quiet = options.settings.quiet
            let (opened, length, plans) = try PlanRun(
                options: options, nodes: planned, ranksPerNode: ranks, length: length, speed: speed, say: { if !quiet { Launch.say($0) } }
            ).plans()
            guard let best = plans.first else { return }
            if json {
                for plan in plans { print(plan.json(opened, length: length).text) }
            } else {
                print(best.text(opened))
                print(
                    "assumed          responses of \(length) tokens (--length), cores \(decimals(speed, 2)) times as fast as this "
                        + "machine's (--speed)")
                for plan in plans.dropFirst() {
                    let verdict = plan.fits ? "\(decimals(plan.secondsPerStep / best.secondsPerStep, 2)) times as long" : "does not fit"
                    print(
                        "instead          \(plan.layoutText): \(plan.stepText(plan.secondsPerStep)) s a step, \(verdict), "
                            + "\(ByteSize(plan.memoryBytes))")
                }
            }
            if let sbatch { try write(best, of: opened, to: sbatch) }
            guard best.fits else {
                let advice = opened.configuration.memoryAdvice(best.memory.roles, opened.base.model)
                throw RunError.configuration(
                    "no layout that was tried fits \(ByteSize(planned.memory ?? 0).roundedDown) a node; "
                        + "take nodes with more memory, or \(advice.joined(separator: ", or "))")
            }
        }
    }

    private func write(_ plan: Plan, of opened: OpenedWorkspace, to path: String) throws {
        let settings = path + ".yaml"
        let program = ownPath
        let output = try options.output ?? "runs/\(options.runName())"
        let script = BatchScript(plan: plan, program: program, settings: settings, output: output)
        for (name, text) in [(settings, try RunConfiguration(options.layers()).layers.yaml()), (path, script.text)] {
            do { try text.write(toFile: name, atomically: true, encoding: .utf8) } catch {
                throw RunError.inputOutput("\(name) could not be written (\(error.localizedDescription))")
            }
        }
        if !options.settings.quiet { Launch.say("wrote \(path) and \(settings): sbatch \(path)") }
    }
}
