internal import Foundation

/// One line of `metrics.jsonl` as it is read back: numbers and texts by key, those of a nested object as "verdicts.correct".
///
/// What is null or no number is not there.
struct MetricsLine: Sendable, Equatable {
    let step: Int
    private(set) var numbers: [String: Double] = [:]
    private(set) var texts: [String: String] = [:]
    private(set) var lists: [String: [Double]] = [:]

    /// Nil where the text is no JSON object with a step, as the last line of a run that is being written may be.
    init?(_ text: some StringProtocol) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let step = (object["step"] as? NSNumber)?.intValue
        else { return nil }
        self.step = step
        for (key, value) in object {
            switch value {
            case let value as NSNumber: numbers[key] = value.doubleValue
            case let value as String: texts[key] = value
            case let values as [NSNumber]: lists[key] = values.map(\.doubleValue)
            case let members as [String: Any]:
                for case let (name, value as NSNumber) in members { numbers["\(key).\(name)"] = value.doubleValue }
            default: break
            }
        }
    }

    subscript(_ key: String) -> Double? { numbers[key] }
}
