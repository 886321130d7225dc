/// What is kept of the steps of a run that is watched: the figures that are drawn, and of the last steps where their time went.
struct RunHistory: Sendable {
    /// A figure that is drawn over the run.
    enum Figure: CaseIterable, Sendable {
        case loss, reward, accuracy, distinctCorrect, tokensPerSecond

        var title: String {
            switch self {
            case .loss: "loss"
            case .reward: "reward"
            case .accuracy: "accuracy"
            case .distinctCorrect: "distinct"
            case .tokensPerSecond: "tokens/s"
            }
        }

        func value(_ line: MetricsLine) -> Double? {
            switch self {
            case .loss: return line["loss"]
            case .reward: return line["reward_mean"]
            case .accuracy: return line["accuracy"]
            case .distinctCorrect: return line["distinct_correct"]
            case .tokensPerSecond:
                guard let tokens = line["tokens_sampled"] ?? line["tokens_learned"], let seconds = line["seconds_step"], seconds > 0
                else { return nil }
                return tokens / seconds
            }
        }

        func text(_ value: Double) -> String {
            switch self {
            case .accuracy: decimals(100 * value, 1) + " %"
            case .tokensPerSecond: decimals(value, 0)
            case .loss, .reward, .distinctCorrect: ReportNumber.short(value)
            }
        }
    }

    /// A share of the time of the last steps.
    struct Share: Sendable, Equatable {
        let phase: String
        let share: Double
    }

    /// So many last steps say how fast the run is.
    private static let window = 20

    private(set) var step = 0
    private(set) var warnings: [Health.Warning] = []
    private var values: [Figure: [Double]] = [:]
    private var recent: [MetricsLine] = []
    private var health: Health

    /// - Parameter settings: of the run, as far as they are known.
    init(settings: [String: String]) { health = Health(settings: settings) }

    /// Takes in a line; what is torn or does not follow is left out.
    mutating func add(_ text: String) {
        guard let line = MetricsLine(text), line.step > step else { return }
        step = line.step
        for figure in Figure.allCases {
            if let value = figure.value(line), value.isFinite { values[figure, default: []].append(value) }
        }
        warnings += health.note(line)
        recent.append(line)
        if recent.count > Self.window { recent.removeFirst() }
    }

    /// Empty: no step has it.
    subscript(_ figure: Figure) -> [Double] { values[figure] ?? [] }

    /// Of the last steps, in the mean; nil where none says it.
    var secondsPerStep: Double? { mean(recent.compactMap { $0["seconds_step"] }) }

    /// Where the time of the last steps went, over all ranks; empty where they do not say it.
    var shares: [Share] {
        var (seconds, whole) = ([Double](repeating: 0, count: 3), 0.0)
        for line in recent {
            let parts = ["sample", "score", "learn"].map { mean(line.lists["seconds_\($0)_by_rank"] ?? []) ?? 0 }
            seconds = zip(seconds, parts).map { $0 + $1 }
            // Of a run that is free, what a step learns from may have taken longer than the step.
            whole += max(line["seconds_step"] ?? 0, parts.reduce(0, +))
        }
        guard whole > 0, seconds.contains(where: { $0 > 0 }) else { return [] }
        let named = zip(["sampling", "scoring", "learning"], seconds).map { Share(phase: $0, share: $1 / whole) }
        return named + [Share(phase: "waiting", share: max(0, 1 - seconds.reduce(0, +) / whole))]
    }
}
