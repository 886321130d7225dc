/// How the scores of a response's steps become its process score s(x, s_i), in nats.
///
/// Math-Shepherd (arXiv 2312.08935) judges a solution by its worst step, Lightman et al. (arXiv 2305.20050) by the product of all; the
/// mean does not make a long solution worse than a short one, and the last step's score is that of an outcome reward model.
package enum ProcessAggregate: String, Sendable, CaseIterable {
    /// The logarithm of the smallest score.
    case min
    /// The sum of the logarithms.
    case product
    /// The mean of the logarithms.
    case meanLog = "mean-log"
    /// The logarithm of the newest score.
    case last

    /// s after each step: element k is the aggregate of elements 0…k of `logScores`, the logarithms of the steps' scores in their
    /// order. Sums go through the steps in that order, so that a prefix has the same bits alone and in a longer response.
    package func running(over logScores: [Double]) -> [Double] {
        var (sum, least) = (0.0, Double.infinity)
        return logScores.enumerated().map { position, logScore in
            sum += logScore
            least = Swift.min(least, logScore)
            return switch self {
            case .min: least
            case .product: sum
            case .meanLog: sum / Double(position + 1)
            case .last: logScore
            }
        }
    }
}
