import Foundation

/// One JSON object on one line, keys in the order given; numbers that JSON cannot hold become null.
struct JSONLine {
    private var parts: [String] = []

    mutating func add(_ key: String, _ value: Int?) { parts.append("\(Self.quote(key)):\(value.map(String.init) ?? "null")") }
    mutating func add(_ key: String, _ value: Bool) { parts.append("\(Self.quote(key)):\(value)") }
    mutating func add(_ key: String, _ values: [Int]) {
        // An array's own description takes several times as long.
        parts.append("\(Self.quote(key)):[\(values.lazy.map { String($0) }.joined(separator: ", "))]")
    }
    mutating func add(_ key: String, _ value: Double?) {
        let text = value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null"
        parts.append("\(Self.quote(key)):\(text)")
    }
    mutating func add(_ key: String, _ value: String) { parts.append("\(Self.quote(key)):\(Self.quote(value))") }
    /// A name, as a number where it is one.
    mutating func add(name key: String, _ value: String) {
        if let number = Int(value), "\(number)" == value { add(key, number) } else { add(key, value) }
    }
    mutating func add(_ key: String, _ values: [Double]) {
        parts.append("\(Self.quote(key)):[\(values.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ","))]")
    }

    mutating func add(_ key: String, _ values: [Float]) {
        parts.append("\(Self.quote(key)):[\(values.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ","))]")
    }

    mutating func add(_ key: String, _ values: [Bool]) {
        parts.append("\(Self.quote(key)):[\(values.map { "\($0)" }.joined(separator: ","))]")
    }

    mutating func add(_ key: String, _ values: [String]) {
        parts.append("\(Self.quote(key)):[\(values.map(Self.quote).joined(separator: ","))]")
    }

    mutating func add(_ key: String, _ objects: [JSONLine]) {
        parts.append("\(Self.quote(key)):[\(objects.map(\.text).joined(separator: ","))]")
    }

    mutating func add(_ key: String, _ nested: JSONLine) { parts.append("\(Self.quote(key)):\(nested.text)") }

    var text: String { "{" + parts.joined(separator: ",") + "}" }

    static func quote(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case let s where s.value < 0x20: out += "\\u00" + (s.value < 16 ? "0" : "") + String(s.value, radix: 16)
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
