internal import Foundation
internal import Learner
internal import Problems
internal import Tensor

/// From the settings of a run to plans of it on some nodes, the fastest that fits first.
struct PlanRun {
    let options: RunOptions
    var nodes: PlannedNodes
    /// Ranks of a node; nil: several numbers are tried.
    let ranksPerNode: Int?
    /// Tokens of a response; nil: as long as the data's worked solutions are, or the limit.
    let length: Int?
    /// How many times as fast as this one a core of the planned nodes is.
    let speed: Double
    /// Says what is being measured.
    let say: (String) -> Void

    /// So many layouts are measured at most where none is given.
    private static let mostLayouts = 4
    /// So many ranks for each core of this machine are measured at most.
    private static let mostTurns = 4

    func plans() throws -> (opened: OpenedWorkspace, length: Int, plans: [Plan]) {
        let configuration = try RunConfiguration(try options.layers())
        let opened = try OpenedWorkspace(configuration, ranksOnNode: 1, needsGradients: true)
        let length = TypicalResponse(of: opened, tokens: length).tokens
        var plans: [Plan] = []
        for ranks in candidates(configuration) {
            let threads = configuration.optionalInteger("threads") ?? max(1, nodes.cores / ranks)
            say("measuring \(ranks) rank\(ranks == 1 ? "" : "s") of \(threads) thread\(threads == 1 ? "" : "s") a node")
            let step = try step(opened, ranks: ranks, threads: threads, length: length)
            plans.append(try Plan(opened, nodes, ranksPerNode: ranks, threads: threads, length: length, step: step))
        }
        // What fits first, then what is fast, then what takes less memory.
        plans.sort { a, b in
            if a.fits != b.fits { return a.fits }
            return (a.secondsPerStep, a.memoryBytes) < (b.secondsPerStep, b.memoryBytes)
        }
        return (opened, length, plans)
    }

    /// What a step of these ranks takes. Where this machine has other cores, ranks keep their shares, and have threads as there are here.
    private func step(_ opened: OpenedWorkspace, ranks: Int, threads: Int, length: Int) throws -> PlanMeasurement.Step {
        let here = CoreSet.ofThisProcess.count
        // More threads than cores take turns here as they will there, and wait for each other: no rule says how long.
        let isAsItWillBe = nodes.cores == here && ranks <= Self.mostTurns * here && threads <= here
        let measured = isAsItWillBe ? ranks : min(ranks, here)
        let measuredThreads = isAsItWillBe ? threads : max(1, min(threads, here / measured))
        let share = Double(opened.configuration.promptsPerStep) / Double(nodes.count * ranks)
        let prompts = max(1, Int((share * Double(measured)).rounded(.up)))
        let step = try PlanMeasurement(
            opened: opened, ranks: measured, threads: measuredThreads, prompts: prompts, length: length, isLengthGiven: self.length != nil
        ).measure()
        // Threads that were not to be had here are taken to be as fast as those that were; more of them than the node has cores take turns.
        let turns = isAsItWillBe ? 1 : max(1, Double(ranks * threads) / Double(nodes.cores))
        let scale = Double(measuredThreads) / Double(threads) * turns / speed
        return PlanMeasurement.Step(
            step: step.step * scale, sample: step.sample * scale, score: step.score * scale, learn: step.learn * scale)
    }

    private func candidates(_ configuration: RunConfiguration) -> [Int] {
        if let ranksPerNode { return [ranksPerNode] }
        var numbers: [Int] = [], ranks = 1
        while ranks <= nodes.cores, ranks == 1 || ranks * nodes.count <= configuration.promptsPerStep {
            numbers.append(ranks)
            ranks *= 2
        }
        guard numbers.count > Self.mostLayouts else { return numbers }
        return (0..<Self.mostLayouts).map { numbers[$0 * (numbers.count - 1) / (Self.mostLayouts - 1)] }
    }
}
