internal import Foundation
internal import Model

/// Something that is known, for people and for scripts: one tree, written in two ways.
indirect enum Fact {
    case text(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case list([Fact])
    case object(Facts)
}

/// Facts by name, in an order. Names are those of JSON; people read blanks for underscores.
struct Facts {
    private var members: [(name: String, fact: Fact)] = []

    mutating func add(_ name: String, _ fact: Fact) { members.append((name, fact)) }
    /// Nothing where it is nil.
    mutating func add(_ name: String, _ text: String?) { if let text { add(name, .text(text)) } }
    mutating func add(_ name: String, _ integer: Int?) { if let integer { add(name, .integer(integer)) } }
    mutating func add(_ name: String, _ number: Double?) { if let number { add(name, .number(number)) } }
    mutating func add(_ name: String, _ flag: Bool) { add(name, .flag(flag)) }
    mutating func add(_ name: String, _ facts: Facts) { add(name, .object(facts)) }
    mutating func add(_ name: String, _ texts: [String]) { add(name, .list(texts.map { .text($0) })) }
    mutating func add(_ name: String, _ facts: [Facts]) { add(name, .list(facts.map { .object($0) })) }

    /// For scripts: one JSON object on one line.
    var json: String { "{" + members.map { "\(JSONLine.quote($0.name)):\($0.fact.json)" }.joined(separator: ",") + "}" }

    /// Names of formats, in capitals, are as they are.
    private static func label(_ name: String) -> String { name == name.lowercased() ? name.replacing("_", with: " ") : name }

    /// For people: a line for each fact, and for each element of a list that is too long for one; what is empty is left out.
    var lines: [String] {
        var lines: [String] = []
        for (name, fact) in members {
            let label = Self.label(name)
            for (index, text) in fact.lines.enumerated() {
                let left = index == 0 ? label : ""
                lines.append(left + String(repeating: " ", count: max(2, 20 - left.count)) + text)
            }
        }
        return lines
    }

    /// All of them in one line.
    fileprivate var phrase: String {
        members.compactMap { member in
            let text = member.fact.lines.joined(separator: ", ")
            return text.isEmpty ? nil : "\(Self.label(member.name)) \(text)"
        }.joined(separator: ", ")
    }
}

extension Fact {
    fileprivate var json: String {
        switch self {
        case .text(let text): JSONLine.quote(text)
        case .integer(let integer): "\(integer)"
        case .number(let number): number.isFinite ? "\(number)" : "null"
        case .flag(let flag): "\(flag)"
        case .object(let facts): facts.json
        case .list(let facts): "[" + facts.map(\.json).joined(separator: ",") + "]"
        }
    }

    fileprivate var lines: [String] {
        switch self {
        case .text(let text): return [text.printable(limit: 2000)]
        case .integer(let integer): return [grouped(integer)]
        case .number(let number): return [String(format: "%.6g", number)]
        case .flag(let flag): return [flag ? "yes" : "no"]
        case .object(let facts): return [facts.phrase]
        case .list(let facts):
            let texts = facts.flatMap(\.lines)
            let isShort = texts.reduce(0) { $0 + $1.count + 2 } < 100 && !facts.contains { if case .object = $0 { true } else { false } }
            return texts.isEmpty ? [] : isShort ? [texts.joined(separator: ", ")] : texts
        }
    }
}

/// A number with its digits in groups of three, where there are more than four.
private func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    guard digits.count > 4 else { return "\(number)" }
    let groups = stride(from: digits.count % 3 == 0 ? 3 : digits.count % 3, through: digits.count, by: 3).map { end in
        String(digits.prefix(end).suffix(end <= 3 ? end : 3))
    }
    return (number < 0 ? "-" : "") + groups.joined(separator: ",")
}
