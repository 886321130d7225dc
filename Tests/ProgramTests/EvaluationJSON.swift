import Foundation
import Testing

/// The numbers and texts of an evaluation by their places, as `temperatures/1.0/pass_at/4` or `accuracy_interval/0`; of an array
/// the element's number comes first.
struct EvaluationJSON: Equatable {
    /// As text, since that shows every bit of a number.
    private(set) var leaves: [String: String] = [:]

    init(_ text: String) throws {
        add(try JSONSerialization.jsonObject(with: Data(text.utf8)), at: "")
    }

    init(leaves: [String: String]) { self.leaves = leaves }

    private mutating func add(_ value: Any, at path: String) {
        func inner(_ name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }
        switch value {
        case let object as [String: Any]: for (name, value) in object { add(value, at: inner(name)) }
        case let list as [Any]: for (index, value) in list.enumerated() { add(value, at: inner("\(index)")) }
        case let text as String: leaves[path] = "'\(text)'"
        case let number as Double: leaves[path] = "\(number)"
        default: leaves[path] = "\(value)"
        }
    }

    subscript(path: String) -> Double { leaves[path].flatMap(Double.init) ?? .nan }

    /// What stands below a place, named from there.
    func below(_ path: String) -> EvaluationJSON {
        let inner = leaves.filter { $0.key.hasPrefix(path + "/") }
        return EvaluationJSON(
            leaves: Dictionary(uniqueKeysWithValues: inner.map { (String($0.key.dropFirst(path.count + 1)), $0.value) }))
    }

    /// Without the places that begin so.
    func without(_ prefixes: String...) -> EvaluationJSON {
        EvaluationJSON(leaves: leaves.filter { leaf in !prefixes.contains { leaf.key.hasPrefix($0) } })
    }

    var withoutIntervals: EvaluationJSON { EvaluationJSON(leaves: leaves.filter { !$0.key.contains("_interval/") }) }

    /// Expects numbers that were worked out by hand, or that something is not there, as NaN. The slack is that of a dozen roundings.
    func expect(_ values: [String: Double], below path: String = "", sourceLocation: SourceLocation = #_sourceLocation) {
        for (name, value) in values {
            let found = self[path.isEmpty ? name : "\(path)/\(name)"]
            let isEqual = value.isNaN ? found.isNaN : abs(found - value) < 1e-12
            #expect(isEqual, "\(name) is \(found), expected \(value)", sourceLocation: sourceLocation)
        }
    }

    /// Expects all places to be the same; says which are not.
    func expectSame(as other: EvaluationJSON, sourceLocation: SourceLocation = #_sourceLocation) {
        let places = Set(leaves.keys).union(other.leaves.keys).filter { leaves[$0] != other.leaves[$0] }.sorted()
        let differences = places.map { "\($0): \(leaves[$0] ?? "nothing"), \(other.leaves[$0] ?? "nothing")" }
        #expect(differences.isEmpty && !leaves.isEmpty, "\(differences.prefix(9).joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}

/// What `evaluate` does with files in a folder.
struct Evaluated {
    let json: EvaluationJSON
    let output, errors: String

    /// Anything but exit code 0 is an error.
    init(_ arguments: [String], under launcher: [String] = [], in folder: TemporaryFolder) throws {
        let outcome = try runProgram(["evaluate", "--json"] + arguments, under: launcher, in: folder.path)
        guard outcome.status == 0 else {
            throw Program.Failure(text: "evaluate \(arguments) ended with \(outcome.status): \(outcome.errors)")
        }
        (json, output, errors) = (try EvaluationJSON(outcome.output), outcome.output, outcome.errors)
    }
}

/// A line of JSON with these members.
func line(_ members: [String: Any]) throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: members, options: .sortedKeys), as: UTF8.self) + "\n"
}

/// Samples in words, written by hand.
struct HandSamples {
    /// By problem, in the order in which they were sampled.
    var texts: [(problem: String, texts: [String])]

    /// - Parameter extra: more members of a sample: its problem's place, its own number.
    func lines(_ extra: (_ problem: String, _ index: Int) -> [String: Any] = { _, _ in [:] }) throws -> [String] {
        try texts.flatMap { problem, texts in
            try texts.enumerated().map { index, text in
                try line(["problem_id": problem, "text": text].merging(extra(problem, index)) { $1 })
            }
        }
    }
}
