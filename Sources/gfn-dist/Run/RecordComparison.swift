internal import Foundation
internal import Model

/// Two JSON objects that should say the same, figure by figure.
struct RecordComparison {
    private(set) var equal = 0
    /// By key, as "loss: 0.5 was recorded, now 0.25".
    private(set) var differences: [String] = []

    init(_ recorded: [String: Any], _ made: [String: Any], leavingOut isLeftOut: (String) -> Bool = { _ in false }) {
        for key in Set(recorded.keys).union(made.keys).sorted() where !isLeftOut(key) {
            let (before, now) = (recorded[key] as? NSObject, made[key] as? NSObject)
            if before == now {
                equal += 1
            } else {
                func text(_ value: NSObject?) -> String { value.map { "\($0)".printable(limit: 80) } ?? "nothing" }
                differences.append("\(key): \(text(before)) was recorded, now \(text(now))")
            }
        }
    }
}
