internal import Evaluation
internal import Learner
internal import Problems

/// When two responses are so much alike that the replay buffer keeps only one of them (`replay.distinct`).
enum DistinctResponses: String, CaseIterable {
    /// Never, unless they are equal.
    case exact
    /// Few edits of tokens make one the other; the threshold is their number in relation to both lengths together.
    case editDistance = "edit-distance"
    /// ROUGE-L's F1 of their texts is at or above the threshold.
    case rougeL = "rouge-l"
    /// They have the same equations in the same order; without an equation, the same text.
    case equations

    /// What `replay.distinct_threshold` is where nobody says; nil for what knows no degrees.
    var usualThreshold: Double? {
        switch self {
        // Hu et al., arXiv 2310.04363.
        case .editDistance: 0.25
        case .rougeL: 0.8
        case .exact, .equations: nil
        }
    }

    /// The comparison as the replay buffer needs it, which knows tokens only; nil: only equal responses are duplicates.
    ///
    /// Texts are made again for each comparison. One of two responses of 300 tokens takes 0.1 to 0.2 ms in any of these ways, so one with
    /// all 32 that a prompt has by default some milliseconds: little beside sampling a response of that length.
    func similarity(of task: any Task, threshold: Double?) -> Similarity? {
        let limit = threshold ?? usualThreshold
        switch (self, limit) {
        case (.editDistance, let limit?): return Similarity.editDistance(below: limit)
        case (.rougeL, let limit?):
            return Similarity { RougeL.score(target: task.text(of: $0), prediction: task.text(of: $1)).fMeasure >= limit }
        case (.equations, _): return Similarity { EquationList(task.text(of: $0)) == EquationList(task.text(of: $1)) }
        default: return nil
        }
    }
}
