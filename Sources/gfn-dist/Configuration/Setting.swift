internal import Learner
internal import Model
internal import Problems
internal import Rollout
internal import Tensor

/// One key of the configuration: its name, what it accepts, its default and what it is for.
///
/// Every key of the program is in ``Setting/all``; whatever is not there is refused with the nearest name.
struct Setting: Sendable {
    let name: String
    let kind: SettingKind
    let fallback: String
    let summary: String
    /// Whether another value makes other weights: a run that goes on keeps it, or loses the promise of equal bytes.
    let changesWeights: Bool

    init(_ name: String, _ kind: SettingKind, _ fallback: String, _ summary: String, changesWeights: Bool = true) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.summary = summary
        self.changesWeights = changesWeights
    }

    private static let count = 1...1_000_000_000
    private static let countOrZero = 0...1_000_000_000
    private static let rate = 0.0...1e3
    private static let share = 0.0...1.0
    private static let nats = -1e6...1e6

    /// The whole configuration, in the order in which it is printed: what concerns every method, and what each can be told.
    static let all: [Setting] = beforeMethods + ofMethods + afterMethods

    /// What methods declare beside their equations; several may share a setting.
    private static let ofMethods: [Setting] = ObjectiveKind.allCases.reduce(into: []) { settings, kind in
        for setting in kind.settings where !settings.contains(where: { $0.name == setting.name }) {
            settings.append(Setting(setting.name, setting.kind, setting.fallback, setting.summary))
        }
    }

    private static let beforeMethods: [Setting] = [
        Setting("objective", .choice(ObjectiveKind.allCases.map(\.rawValue)), "subtb", "the method (docs/objectives.md)"),
        Setting("trainable", .choice(["lora", "full"]), "lora", "adapter matrices, or every weight of the model"),
        Setting("model", .text, "", "Hugging Face folder or .gguf file; empty: the embedded PathSum base"),
        Setting("random.size", .choice(PathSum.ModelSize.allCases.map(\.rawValue)), "base", "shape of model=random: 0.1, 0.3, 0.8 (the embedded base's) or 4.8 million parameters"),
        Setting("adapter", .text, "", "PEFT folder to start from; empty: a fresh adapter"),
        Setting("reward_model", .text, "", "folder of a process reward model (gfn-dist reward); empty: the task's own step scores"),
        Setting("precision", .choice(["bf16", "fp32"]), "bf16", "of the products with the model's weights"),
        Setting(
            "kernels", .choice(["auto", "portable", "avx2", "avx512", "avx512bf16"]), "auto", "CPU kernels; auto takes the best",
            changesWeights: false),
        Setting(
            "base.cache", .choice(["auto", "always", "never"]), "auto",
            "packed weights in files that all ranks of a node map (GFN_CACHE, or gfn-dist in XDG's cache folder); auto: from 32 MiB on",
            changesWeights: false),
        Setting(
            "base.weights", .choice(QuantisedWeights.allCases.map(\.rawValue)), "blocks",
            "of a quantised base in bf16 precision: products read its blocks, or bf16 made of them"),
        Setting(
            "attention.cache", .choice(Precision.allCases.map(\.rawValue)), "fp32",
            "keys and values that attention reads; bf16: rounded wherever they are made, so that those of a sample take half the memory"),
        Setting(
            "memory.limit", .size(or: "auto"), "auto",
            "what all ranks may use of a node's memory; auto: what it has left. A run that needs more is refused before it loads its model; "
                + "what a chosen limit leaves spares learners work (docs/architecture.md)",
            changesWeights: false),
        Setting("seed", .integer(0...Int.max), "1", "of every random choice of the run"),
        Setting("threads", .integer(1...1024, or: ["auto"]), "auto", "of each rank; auto: cores of the node divided by its ranks", changesWeights: false),
        Setting(
            "lag", .integer(0...8, or: ["any"]), "1",
            "groups of step s are sampled with the weights of step s - lag; any: rollouts wait for none, and runs are not repeatable"),
        Setting("lag_bound", .integer(1...64), "4", "lag=any: the oldest weights, in steps, that a step learns from samples of"),
        Setting(
            "states", .choice(Terminability.allCases.map(\.rawValue)), "steps",
            "which states of a response may terminate: all, the task's steps, or the end"),
        Setting(
            "ranks.learners", .integer(count, or: ["auto", "all"]), "auto",
            "learner ranks, and the others sample; all: every rank samples, then learns; auto: all, or, with trainable=full or lag=any, a quarter "
                + "of the ranks, at least one",
            changesWeights: false),
        Setting("data.train", .text, "", "JSONL of problems to train on; pathsum: the embedded task; pathsum-fit: less its validation problems; pathsum-fit-low, -high: of numbers below 50, or from there"),
        Setting("data.evaluate", .text, "", "JSONL of problems to evaluate on, several with commas; of the embedded task pathsum-held-out, -validation, -seen, and -low or -high of them; empty: none, or what was left out", changesWeights: false),
        Setting("data.chat_template", .choice(["auto", "plain", "chatml", "smollm2", "qwen2.5", "llama3", "llama3.1", "llama3.2"]), "auto", "how a problem becomes a prompt; auto: the model's own"),
        Setting("data.max_prompt_tokens", .integer(count, or: ["auto"]), "auto", "of a problem's prompt; auto: the model's context less rollout.max_new_tokens"),
        Setting("data.long_prompts", .choice(["skip", "error"]), "skip", "what is done about problems with longer prompts, and examples longer than the context"),
        Setting("data.textbook_skew", .number(0...1e6), "8", "PathSum, sft: how strongly examples prefer the cheapest solution"),
        Setting("data.textbook_uniform", .number(share), "0.1", "PathSum, sft: share of examples drawn from all solutions alike"),
        Setting("data.textbook_misprints", .number(share), "0.25", "PathSum, sft: share of examples with one wrong result"),
        Setting("train.steps", .integer(countOrZero), "100", "optimiser steps"),
        Setting("train.prompts_per_step", .integer(count), "8", "fresh prompts (groups) a step; where data has the solutions: examples a step"),
        Setting("train.learning_rate", .number(rate), "2e-4", "at the top of the schedule"),
        Setting("train.warmup_steps", .integer(countOrZero), "10", "linear, from zero"),
        Setting("train.schedule", .choice(["constant", "linear", "cosine"]), "constant", "after the warm-up"),
        Setting("train.weight_decay", .number(0...10), "0", "decoupled, as in AdamW"),
        Setting("train.beta1", .number(0...0.9999), "0.9", "AdamW, first moment"),
        Setting("train.beta2", .number(0...0.999999), "0.99", "AdamW, second moment"),
        Setting("train.clip_norm", .number(1e-9...1e9, or: "none"), "1", "global norm of the gradient; none: no clipping"),
        Setting("rollout.samples_per_prompt", .integer(1...4096), "8", "K, the solutions of one group"),
        Setting("rollout.temperature", .number(0.05...10), "1", "of the behaviour; log-probabilities are recorded at 1"),
        Setting(
            "rollout.temperature_high", .number(0.05...10, or: "none"), "none",
            "each tempered group draws uniformly from rollout.temperature to this; none: no draw"),
        Setting("rollout.tempered_share", .number(share), "1", "of groups sampled at the behaviour's temperature; the others at 1"),
        Setting("rollout.max_new_tokens", .integer(1...1_000_000, or: ["auto"]), "auto", "a solution longer than this is unfinished; auto: as the task says"),
        Setting("lora.rank", .integer(1...4096), "16", "r"),
        Setting("lora.alpha", .number(0...65536), "32", "scaling is alpha / r"),
        Setting("lora.targets", .text, "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj", "comma-separated linear layers"),
        Setting(
            "reward.preset", .choice(RewardPreset.allCases.map(\.rawValue)), "none",
            "values of reward.process, .correct, .unfinished and .reference by a name (docs/reward.md)"),
        Setting("reward.correct", .number(0...1000), "10", "nats for a correct, finished solution"),
        Setting("reward.process", .number(0...1000), "1", "weight of the steps' log score"),
        Setting(
            "reward.aggregate", .choice(ProcessAggregate.allCases.map(\.rawValue)), "product",
            "how the scores of a response's steps become one"),
        Setting("reward.process_floor", .number(1e-30...1), "1e-4", "least score of a step, and that of one that is wrong"),
        Setting("reward.unfinished", .number(-1000...0), "-5", "nats for a state that has no final answer"),
        Setting(
            "reward.minimum", .number(nats, or: "none"), "none",
            "nats, of the reward before temperature and reference; none: no limit"),
        Setting("reward.maximum", .number(nats, or: "none"), "none", "nats, of the same; none: no limit"),
        Setting("reward.reference", .number(0...10), "1", "alpha, the exponent of the reference likelihood"),
        Setting("reward.reference_final", .number(0...10, or: "none"), "none", "alpha at the end, linear; none: as at the start"),
        Setting("reward.temperature", .number(1e-3...1000), "1", "of the reward at the start"),
        Setting("reward.temperature_final", .number(1e-3...1000, or: "none"), "none", "of the reward at the end, linear; none: as at the start"),
        Setting("reward.schedule_steps", .integer(count, or: ["auto"]), "auto", "steps from start to end of both; auto: train.steps"),
        Setting("root.learning_rate", .number(rate), "1e-2", "of the head that learns log Z"),
        Setting("value.learning_rate", .number(rate), "1e-2", "of the head that learns V"),
        Setting("labels.kind", .choice(LabelKind.allCases.map(\.rawValue)), "hard", "reward: learn from good or bad, or from the share of right completions"),
        Setting("labels.balance", .choice(["none", "inverse"]), "none", "reward: weights of good and bad steps; inverse: by their numbers in the data"),
        Setting("labels.smoothing", .number(0...0.99), "0", "reward: share of a label that is spread over both classes"),
        Setting("labels.neutral", .choice(["good", "bad", "skip"]), "good", "reward: what PRM800K's neutral steps count as"),
        Setting("labels.flipped", .number(share), "0", "reward: share of the labels to learn from that are turned over, to see what noise does"),
        Setting("head.learning_rate", .number(rate), "1e-2", "reward: of the head that reads a step's end"),
    ]

    private static let afterMethods: [Setting] = [
        Setting("replay.share", .number(0...0.95), "0", "of the groups learned from in a step"),
        Setting("replay.per_prompt", .integer(2...4096), "32", "distinct trajectories kept of one prompt"),
        Setting("replay.keep", .choice(["all", "correct"]), "correct", "which trajectories are worth keeping"),
        Setting("replay.priority", .choice(["uniform", "reward", "recency"]), "reward", "how replayed trajectories are chosen"),
        Setting(
            "replay.distinct", .choice(DistinctResponses.allCases.map(\.rawValue)), "exact",
            "which responses are duplicates; the one with the larger reward is kept"),
        Setting(
            "replay.distinct_threshold", .number(share, or: "none"), "none",
            "edit-distance: below this share of both lengths; rouge-l: F1 at or above this; none: 0.25 and 0.8"),
        Setting(
            "replay.seed", .choice(["none", "demonstrations"]), "none",
            "worked solutions that the buffer gets when their problems first come up"),
        Setting("evaluate.every", .integer(count, or: ["none"]), "none", "steps; none: only before and after", changesWeights: false),
        Setting("evaluate.problems", .integer(count, or: ["all"]), "all", "held-out problems, the first ones", changesWeights: false),
        Setting("evaluate.samples_per_problem", .integer(1...4096), "8", "solutions of each", changesWeights: false),
        Setting("evaluate.temperature", .number(0.05...10), "1", "of those samples", changesWeights: false),
        Setting("sample.top_k", .integer(count, or: ["all"]), "all", "sample draws from the k likeliest tokens only", changesWeights: false),
        Setting("sample.top_p", .number(share), "1", "sample draws from the likeliest tokens that have this share; 1: from all", changesWeights: false),
        Setting("sample.min_p", .number(share), "0", "sample draws from tokens with this share of the likeliest one's; 0: from all", changesWeights: false),
        Setting("checkpoint.every", .integer(count, or: ["none"]), "50", "steps; none: only at the end", changesWeights: false),
        Setting("checkpoint.keep", .integer(1...1000), "2", "newest checkpoints that stay", changesWeights: false),
        Setting("watchdog.seconds", .integer(count, or: ["none"]), "600", "without a sign of life, after which a rank of an MPI job has stalled and the job ends (71); none: it waits", changesWeights: false),
        Setting(
            "check.log_probabilities", .choice(["stop", "report"]), "stop",
            "where a learner's differ from those recorded with a sample, which would be a bug: the run ends (70), or metrics.jsonl says so",
            changesWeights: false),
        Setting("samples.every", .integer(count, or: ["none"]), "none", "steps; write what was sampled; none: never", changesWeights: false),
    ]

    /// Other names that people may use, and what they stand for.
    private static let aliases = ["reward.model": "reward_model"]

    /// By its name, or by another one that it has.
    static func named(_ name: String) -> Setting? {
        let name = aliases[name] ?? name
        return all.first { $0.name == name }
    }

    /// The known name nearest to a mistyped one, by edit distance.
    static func nearest(to name: String) -> String {
        all.map(\.name).min { editDistance($0, name) < editDistance($1, name) } ?? name
    }
}

/// Levenshtein's distance between two short names.
func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var row = Array(0...b.count)
    for i in a.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, min(row[j + 1], row[j]) + 1)
        }
    }
    return row[b.count]
}
