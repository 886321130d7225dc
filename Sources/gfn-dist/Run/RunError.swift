internal import Collective
internal import Foundation
internal import Learner
internal import Model

/// The ways a run ends other than well, that no module below has an error for. Each is one sentence.
enum RunError: Error, CustomStringConvertible {
    case missingInput(String)
    case badData(String)
    /// Of a method that learns from collected samples.
    case nothingCollected(String)
    case inputOutput(String)
    case configuration(String)
    case nonFinite(String)
    case interrupted(String)
    /// Numbers differ that this program makes alike, or there is a bug.
    case notEqual(String)

    var description: String {
        switch self {
        case .missingInput(let text), .badData(let text), .nothingCollected(let text), .inputOutput(let text),
            .configuration(let text), .nonFinite(let text), .interrupted(let text), .notEqual(let text):
            // What a file says may be quoted in it.
            text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable(limit: 2000) }.joined(separator: "\n")
        }
    }
}
