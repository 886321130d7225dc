/// A JSON object of a data file, or a part of one, with typed access to its members.
package struct JSONRecord: Sendable {
    /// What is wrong with a record: the field, as a path from the top (nil: the whole), and what stands there.
    package struct Fault: Error, Equatable, Sendable {
        package let field: String?
        package let expected, found: String

        package init(field: String?, expected: String, found: String) {
            (self.field, self.expected, self.found) = (field, expected, found)
        }
    }

    private let members: [JSONMember]
    /// "" at the top, else for example "steps[2].".
    private let prefix: String

    /// Parses one line: UTF-8, strict JSON, an object.
    package init(line: some Collection<UInt8>) throws(Fault) {
        let bytes = Array(line)
        var result: Result<JSONValue, ModelFileError>?
        bytes.withUnsafeBytes { bytes in
            do throws(ModelFileError) { result = .success(try JSONParser.parse(bytes, path: "", part: "")) } catch { result = .failure(error) }
        }
        switch result {
        case .success(.object(let members))?: (self.members, prefix) = (members, "")
        case .success(let value)?: throw Fault(field: nil, expected: "a JSON object", found: value.summary)
        case .failure(.malformed(_, let place, let expected, let found))?:
            throw Fault(field: nil, expected: place.isEmpty ? expected : "a JSON object with \(expected)\(place)", found: found)
        case .failure(let error)?: throw Fault(field: nil, expected: "a JSON object", found: "\(error)")
        case nil: throw Fault(field: nil, expected: "a JSON object", found: "nothing")
        }
    }

    private init(_ members: [JSONMember], prefix: String) { (self.members, self.prefix) = (members, prefix) }

    package var keys: [String] { members.map(\.key.text) }

    /// The member; nil when it is absent or null.
    private func value(_ field: String) -> JSONValue? {
        let key = ByteString(field)
        guard let value = members.first(where: { $0.key == key })?.value, value != .null else { return nil }
        return value
    }

    package func has(_ field: String) -> Bool { value(field) != nil }

    package func isText(_ field: String) -> Bool {
        if case .string? = value(field) { return true }
        return false
    }

    package func isList(_ field: String) -> Bool {
        if case .array? = value(field) { return true }
        return false
    }

    /// The fault that a field's value is not what it should be.
    package func fault(_ field: String, expected: String) -> Fault {
        Fault(field: prefix + field, expected: expected, found: value(field)?.summary ?? "nothing")
    }

    /// A string, or a number that is written out: 2.5 and 0.00002, but not 1e30, whose last digits may be lost.
    package func text(_ field: String) throws(Fault) -> String {
        guard let value = value(field), let text = Self.text(of: value) else { throw fault(field, expected: "a text") }
        return text
    }

    package func optionalText(_ field: String) throws(Fault) -> String? { has(field) ? try text(field) : nil }

    /// A text, number or truth value as text; nil for anything else.
    package func plainText(_ field: String) -> String? {
        guard let value = value(field) else { return nil }
        if case .boolean(let boolean) = value { return "\(boolean)" }
        return Self.text(of: value)
    }

    /// The same, also as the only element of a list.
    package func singleText(_ field: String) throws(Fault) -> String {
        guard case .array(let values)? = value(field) else { return try text(field) }
        guard values.count == 1, let value = values.first else { throw fault(field, expected: "a text or a list of one") }
        guard let text = Self.text(of: value) else {
            throw Fault(field: "\(prefix)\(field)[0]", expected: "a text", found: value.summary)
        }
        return text
    }

    private static func text(of value: JSONValue) -> String? {
        switch value {
        case .string(let string): string.text
        case .integer(let number): "\(number)"
        case .number(let number): decimal(number)
        default: nil
        }
    }

    /// A number without an exponent; nil for large ones, of which a double may have lost digits.
    private static func decimal(_ number: Double) -> String? {
        guard abs(number) < 0x1p53 else { return nil }
        let text = "\(number)"
        guard let mark = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: mark)...]) else { return text }
        return (number < 0 ? "-0." : "0.") + String(repeating: "0", count: -exponent - 1) + text[..<mark].filter(\.isNumber)
    }

    package func optionalInteger(_ field: String) throws(Fault) -> Int? {
        guard let value = value(field) else { return nil }
        guard case .integer(let integer) = value else { throw fault(field, expected: "an integer") }
        return integer
    }

    package func optionalNumber(_ field: String) throws(Fault) -> Double? {
        switch value(field) {
        case nil: return nil
        case .integer(let integer): return Double(integer)
        case .number(let number): return number
        default: throw fault(field, expected: "a number")
        }
    }

    package func optionalBoolean(_ field: String) throws(Fault) -> Bool? {
        guard let value = value(field) else { return nil }
        guard case .boolean(let boolean) = value else { throw fault(field, expected: "true or false") }
        return boolean
    }

    package func texts(_ field: String) throws(Fault) -> [String] {
        try elements(field, "a list of texts") { value in
            guard case .string(let string) = value else { return nil }
            return string.text
        }
    }

    /// A list of true and false, or of 1 and 0.
    package func booleans(_ field: String) throws(Fault) -> [Bool] {
        try elements(field, "a list of true and false") { value in
            switch value {
            case .boolean(let boolean): boolean
            case .integer(0): false
            case .integer(1): true
            default: nil
            }
        }
    }

    /// A list of numbers from 0 to 1, of true and false, or of null for what is not known.
    package func shares(_ field: String) throws(Fault) -> [Double?] {
        try elements(field, "a list of true and false, or of numbers from 0 to 1") { value -> Double?? in
            switch value {
            case .boolean(let boolean): .some(boolean ? 1 : 0)
            case .integer(0): .some(0)
            case .integer(1): .some(1)
            case .number(let number) where (0...1).contains(number): .some(number)
            case .null: .some(nil)
            default: nil
            }
        }
    }

    package func optionalIntegers(_ field: String) throws(Fault) -> [Int]? {
        guard has(field) else { return nil }
        return try elements(field, "a list of integers") { value in
            guard case .integer(let integer) = value else { return nil }
            return integer
        }
    }

    private func elements<Element>(_ field: String, _ expected: String, _ read: (JSONValue) -> Element?) throws(Fault) -> [Element] {
        guard case .array(let values)? = value(field) else { throw fault(field, expected: expected) }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            guard let element = read(value) else { throw Fault(field: "\(prefix)\(field)[\(index)]", expected: expected, found: value.summary) }
            elements.append(element)
        }
        return elements
    }

    package func record(_ field: String) throws(Fault) -> JSONRecord {
        guard case .object(let members)? = value(field) else { throw fault(field, expected: "an object") }
        return JSONRecord(members, prefix: "\(prefix)\(field).")
    }

    package func optionalRecord(_ field: String) throws(Fault) -> JSONRecord? { has(field) ? try record(field) : nil }

    package func records(_ field: String, expected: String = "a list of objects") throws(Fault) -> [JSONRecord] {
        guard case .array(let values)? = value(field) else { throw fault(field, expected: expected) }
        var records: [JSONRecord] = []
        for (index, value) in values.enumerated() {
            guard case .object(let members) = value else {
                throw Fault(field: "\(prefix)\(field)[\(index)]", expected: "an object", found: value.summary)
            }
            records.append(JSONRecord(members, prefix: "\(prefix)\(field)[\(index)]."))
        }
        return records
    }
}
