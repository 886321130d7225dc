/// One thing that a method can be told: a stored property of it, with the name, range and meaning that people see.
///
/// A method declares these beside its equations; the program lists them with its own settings and writes the values that
/// people chose into a copy of the method, so that the method itself holds typed values only.
package struct MethodSetting<Method>: Sendable {
    package let name: String
    package let kind: SettingKind
    package let summary: String
    private let read: @Sendable (Method) -> String
    private let write: @Sendable (String, inout Method) -> Void

    package static func number(
        _ name: String, _ path: any WritableKeyPath<Method, Double> & Sendable, _ range: ClosedRange<Double>, _ summary: String
    ) -> MethodSetting {
        MethodSetting(name: name, kind: .number(range), summary: summary) { Self.text($0[keyPath: path]) } write: {
            $1[keyPath: path] = Self.parsed(Double($0), name, $0)
        }
    }

    /// A number that may be missing, which is written as the word none.
    package static func number(
        _ name: String, _ path: any WritableKeyPath<Method, Double?> & Sendable, _ range: ClosedRange<Double>, _ summary: String
    ) -> MethodSetting {
        MethodSetting(name: name, kind: .number(range, or: "none"), summary: summary) {
            $0[keyPath: path].map(Self.text) ?? "none"
        } write: {
            $1[keyPath: path] = $0 == "none" ? nil : Self.parsed(Double($0), name, $0)
        }
    }

    package static func integer(
        _ name: String, _ path: any WritableKeyPath<Method, Int> & Sendable, _ range: ClosedRange<Int>, _ summary: String
    ) -> MethodSetting {
        MethodSetting(name: name, kind: .integer(range), summary: summary) { "\($0[keyPath: path])" } write: {
            $1[keyPath: path] = Self.parsed(Int($0), name, $0)
        }
    }

    package static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ path: any WritableKeyPath<Method, Value> & Sendable, _ summary: String
    ) -> MethodSetting {
        MethodSetting(name: name, kind: .choice(Value.allCases.map(\.rawValue)), summary: summary) { $0[keyPath: path].rawValue } write: {
            $1[keyPath: path] = Self.parsed(Value(rawValue: $0), name, $0)
        }
    }

    package static func flag(_ name: String, _ path: any WritableKeyPath<Method, Bool> & Sendable, _ summary: String) -> MethodSetting {
        MethodSetting(name: name, kind: .choice(["true", "false"]), summary: summary) { "\($0[keyPath: path])" } write: {
            $1[keyPath: path] = $0 == "true"
        }
    }

    private init(
        name: String, kind: SettingKind, summary: String, read: @escaping @Sendable (Method) -> String,
        write: @escaping @Sendable (String, inout Method) -> Void
    ) {
        (self.name, self.kind, self.summary, self.read, self.write) = (name, kind, summary, read, write)
    }

    /// The value that `method` has, as people write it.
    package func value(in method: Method) -> String { read(method) }

    /// Gives `method` a value that has passed the check of `kind`.
    package func set(_ value: String, in method: inout Method) { write(value, &method) }

    private static func text(_ number: Double) -> String {
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func parsed<Value>(_ value: Value?, _ name: String, _ text: String) -> Value {
        guard let value else { preconditionFailure("\(name): '\(text)' was not checked") }
        return value
    }
}

/// A setting of some method, as the program lists it.
package struct MethodSettingDescription: Sendable, Equatable {
    package let name: String
    package let kind: SettingKind
    package let fallback: String
    package let summary: String
}
