internal import Foundation
internal import Model
internal import Problems
internal import Tensor

/// What is known of a run before any weight is read: its settings, the shape of its model, its tasks, and what is trained.
struct OpenedWorkspace: Sendable {
    let configuration: RunConfiguration
    let trainable: Trainable
    let base: OpenedBase
    let training: any Task
    let evaluations: [any Task]
    /// How prompts are written.
    let template: String
    let threads: Int
    let startingBits: [UInt16]?
    let notes: [String]

    /// Opens model and data.
    /// - Parameter ranksOnNode: how many ranks share this machine's cores.
    init(_ configuration: RunConfiguration, ranksOnNode: Int, needsGradients: Bool) throws {
        threads = configuration.optionalInteger("threads") ?? max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, ranksOnNode))
        base = try OpenedBase(configuration, gradients: needsGradients, parallel: Parallel(threads: threads))
        let (model, files) = (base.model.configuration, base.files)
        if let split = configuration.trainingSplit {
            template = RunConfiguration.embeddedTask
            training = configuration.pathSum(split)
            evaluations = configuration.evaluationSplits(of: split).map { configuration.pathSum($0) }
            notes = files?.notes ?? []
        } else if let path = try configuration.enumerableTaskPath {
            // Texts of the list are continued as they are.
            template = files == nil || configuration.model.isEmpty ? RunConfiguration.embeddedTask : ChatTemplate.plain.name
            training = try TaskFile.read(path).task(named: configuration.text("data.train"), of: base)
            evaluations = []
            notes = files?.notes ?? []
        } else {
            guard let files else {
                throw RunError.badData("model \(base.path) has no tokenizer, and \(configuration.text("data.train")) is text")
            }
            let opening = try TaskOpening(files, configuration)
            template = opening.templateName
            var notes = files.notes + opening.notes
            let needs = configuration.needs
            training = try opening.task(
                configuration.text("data.train"), of: needs.lesson == .pair && needs.samples == .data ? .preferences : .problems,
                maxExampleTokens: needs.lesson != .group ? model.contextLength : .max, isJudged: needs.usesRollouts,
                notes: &notes)
            evaluations = try configuration.evaluationPaths.map { try opening.task($0, notes: &notes) }
            self.notes = notes
        }
        try Self.requirePreferences(training, configuration)
        let path = configuration.text("adapter")
        if path.isEmpty {
            (self.configuration, trainable, startingBits) = (configuration, configuration.trainable, nil)
        } else {
            let adapter = try AdapterFolder.read(path, for: model)
            self.configuration = try configuration.taking(adapter.configuration, of: path)
            trainable = .lora(adapter.configuration)
            startingBits = ParameterLayout(trainable, of: model).parameters(of: adapter.matrices).roundedToBFloat16
        }
    }

    /// The same run with other settings, on the first layers of its model and with nothing to evaluate: its steps say what those of the whole
    /// model take (`PlanMeasurement`). What is trained starts fresh.
    init(_ whole: OpenedWorkspace, layers: Int, threads: Int, _ configuration: RunConfiguration) throws {
        self.configuration = configuration
        (trainable, training, evaluations, template) = (whole.trainable, whole.training, [], whole.template)
        (self.threads, startingBits, notes) = (threads, nil, [])
        base = try OpenedBase(whole.base, layers: layers, parallel: Parallel(threads: threads))
    }

    /// A method that learns from data's pairs needs data that has them; said before anything begins.
    private static func requirePreferences(_ task: any Task, _ configuration: RunConfiguration) throws(RunError) {
        let needs = configuration.needs
        guard needs.lesson == .pair, needs.samples == .data, task.problemCount > 0, task.preference(of: 0) == nil else { return }
        throw .badData(
            "\(task.name) has no preferences, which --objective \(configuration.objective) learns from; "
                + "name a file with lines {prompt, chosen, rejected} with --set data.train=FILE")
    }
}
