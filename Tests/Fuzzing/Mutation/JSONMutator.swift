internal import Model

/// Damages a JSON document at the places where it has a meaning: keys, values, types, nesting, spelling.
package struct JSONMutator: Sendable {
    package init() {}

    /// A change of a document; nil when the bytes are no JSON. Says what was changed.
    package func mutate(_ bytes: inout [UInt8], using random: inout FuzzRandom) -> [String]? {
        let parsed: JSONValue
        do { parsed = try bytes.withUnsafeBytes { try JSONParser.parse($0, path: "") } } catch { return nil }
        var value = parsed
        var changes: [String] = []
        for _ in 0..<(random.chance(0.6) ? 1 : random.length(atMost: 4)) { changes.append(change(&value, using: &random)) }
        // Indentation grows with the square of the depth.
        let isDeep = changes.contains { $0.contains("nested") }
        bytes = Self.withSpellings(value.encoded(indented: random.chance(0.5) && !isDeep))
        return changes
    }

    // MARK: Where

    /// Steps from the top: positions of elements or members.
    private func path(in value: JSONValue, using random: inout FuzzRandom) -> [Int] {
        var path: [Int] = []
        var value = value
        while true {
            // Broad documents would be changed at their leaves only, and always in their largest part.
            if random.chance(path.isEmpty ? 0.05 : 0.3) { return path }
            switch value {
            case .array(let elements) where !elements.isEmpty:
                path.append(random.below(elements.count))
                value = elements[path[path.count - 1]]
            case .object(let members) where !members.isEmpty:
                path.append(random.below(members.count))
                value = members[path[path.count - 1]].value
            default: return path
            }
        }
    }

    private func edit(_ value: inout JSONValue, _ path: ArraySlice<Int>, _ body: (inout JSONValue) -> Void) {
        guard let step = path.first else { return body(&value) }
        switch value {
        case .array(var elements):
            edit(&elements[step], path.dropFirst(), body)
            value = .array(elements)
        case .object(var members):
            var inner = members[step].value
            edit(&inner, path.dropFirst(), body)
            members[step] = JSONMember(members[step].key, inner)
            value = .object(members)
        default: return
        }
    }

    private func value(at path: ArraySlice<Int>, of value: JSONValue) -> JSONValue {
        guard let step = path.first else { return value }
        switch value {
        case .array(let elements): return self.value(at: path.dropFirst(), of: elements[step])
        case .object(let members): return self.value(at: path.dropFirst(), of: members[step].value)
        default: return value
        }
    }

    // MARK: What

    private func change(_ top: inout JSONValue, using random: inout FuzzRandom) -> String {
        let path = path(in: top, using: &random)
        let other = value(at: ArraySlice(self.path(in: top, using: &random)), of: top)
        var said = ""
        edit(&top, ArraySlice(path)) { value in said = Self.change(&value, other: other, using: &random) }
        return "\(Self.spelled(path, in: top)): \(said)"
    }

    private static func change(_ value: inout JSONValue, other: JSONValue, using random: inout FuzzRandom) -> String {
        switch random.below(10) {
        case 0, 1:
            value = extreme(using: &random)
            return "is \(value.summary)"
        case 2:
            value = other
            return "is a copy of another part, \(other.summary)"
        case 3:
            let depth = random.pick([2, 10, 63, 64, 65, 500, 5000])
            let isArray = random.chance(0.5)
            for _ in 0..<depth { value = isArray ? .array([value]) : .object([JSONMember("a", value)]) }
            return "nested \(depth) deeper"
        default: break
        }
        switch value {
        case .integer(let number):
            value = .integer(
                Int(truncatingIfNeeded: InterestingNumbers.pick(near: UInt64(bitPattern: Int64(number)), size: 4096, remaining: 64, using: &random)))
        case .array(var elements): changeElements(&elements, using: &random); value = .array(elements)
        case .object(var members): changeMembers(&members, using: &random); value = .object(members)
        case .string(var text):
            if random.chance(0.5) { text = ByteString(text.bytes + text.bytes) } else { text = ByteString(Array(text.bytes.dropLast())) }
            value = .string(text)
        case .boolean(let flag): value = .boolean(!flag)
        default: value = extreme(using: &random)
        }
        return "is \(value.summary)"
    }

    private static func changeElements(_ elements: inout [JSONValue], using random: inout FuzzRandom) {
        guard !elements.isEmpty else { return elements.append(extreme(using: &random)) }
        let place = random.below(elements.count)
        switch random.below(5) {
        case 0: elements.remove(at: place)
        case 1: elements.insert(elements[place], at: random.below(elements.count))
        case 2: elements.swapAt(place, random.below(elements.count))
        case 3: elements += Array(repeating: elements[place], count: random.length(atMost: 2048))
        default: elements.insert(extreme(using: &random), at: place)
        }
    }

    private static func changeMembers(_ members: inout [JSONMember], using random: inout FuzzRandom) {
        guard !members.isEmpty else { return members.append(JSONMember("a", extreme(using: &random))) }
        let place = random.below(members.count), other = random.below(members.count)
        switch random.below(7) {
        case 0: members.remove(at: place)
        case 1: members.append(members[place])
        case 2: members.append(JSONMember(members[place].key, extreme(using: &random)))
        case 3:
            let (first, second) = (members[place], members[other])
            members[place] = JSONMember(first.key, second.value)
            if place != other { members[other] = JSONMember(second.key, first.value) }
        case 4: members[place] = JSONMember(members[other].key, members[place].value)
        case 5: members[place] = JSONMember(ByteString(members[place].key.bytes + Array(random.pick(["a", " ", "\0", "é", "\u{1B}[2J", "/../"]).utf8)), members[place].value)
        default: members.insert(JSONMember(random.pick(["", "a", "__metadata__", "extra", "type"]), extreme(using: &random)), at: place)
        }
    }

    /// Spellings that a value cannot hold stand in the document as a marked text until it is written.
    private static let spellings: [String] = [
        "NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "0x10", "01", "1.", ".5", "+1", "--1", "-", "1e", "1e+", "-0", "-0.0",
        "18446744073709551615", "18446744073709551616", "9223372036854775808", "-9223372036854775809", "1e18", "1E400", "123456789012345678901234567890",
        "0.1e1", "1e0", "True", "nul", "undefined", "'a'", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"", "\"\\ud83d\\ude00\"",
        "\"\\u0000\"", "\"\\x41\"", "\"\\u12\"", "\"\n\"", "\"", "[1,]", "{\"a\":1,}", "[,]", "{,}", "{\"a\"}", "[1 2]", "]", "}", "/*a*/1", "1//a", "\u{FEFF}1", "",
    ]

    private static func mark(_ index: Int) -> JSONValue { JSONValue("@@spelling:\(index)@@") }

    private static func withSpellings(_ bytes: [UInt8]) -> [UInt8] {
        let start = Array("\"@@spelling:".utf8), end = Array("@@\"".utf8)
        guard bytes.count > start.count else { return bytes }
        var output: [UInt8] = []
        var position = 0
        while position < bytes.count {
            guard bytes[position] == start[0], bytes[position...].starts(with: start) else {
                output.append(bytes[position])
                position += 1
                continue
            }
            let digits = bytes[(position + start.count)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
            if let index = Int(String(decoding: digits, as: UTF8.self)), spellings.indices.contains(index) {
                output += Array(spellings[index].utf8)
                // A text that is not UTF-8 at all.
            } else {
                output += [0x22, 0xC3, 0x28, 0xFF, 0x22]
            }
            position = digits.endIndex + end.count
        }
        return output
    }

    private static func extreme(using random: inout FuzzRandom) -> JSONValue {
        switch random.below(9) {
        case 0: .null
        case 1: .boolean(random.chance(0.5))
        case 2:
            .integer(Int(truncatingIfNeeded: InterestingNumbers.pick(near: 1, size: 4096, remaining: 64, using: &random)))
        case 3: .number(random.pick([0.5, -1.5, 1e308, -1e308, 1e-300, 1e-6, 0.1, 4.9e300]))
        case 4: JSONValue(random.pick(["", "a", "..", "../a", "/etc/passwd", "a\0b", "e\u{301}", "\u{E9}", "\u{1B}[31m", "(a+)+$", "model.safetensors", "0", "null"]))
        case 5: JSONValue(String(repeating: random.pick(["a", "é", "\u{1F600}", "\""]), count: random.length(atMost: 20_000)))
        case 6: random.pick([.array([]), .object([]), .array([.null]), .object([JSONMember("", .null)])])
        default: mark(random.below(spellings.count + 1))
        }
    }

    private static func spelled(_ path: [Int], in top: JSONValue) -> String {
        var value = top
        var names: [String] = []
        for step in path {
            switch value {
            case .array(let elements) where step < elements.count:
                names.append("[\(step)]")
                value = elements[step]
            case .object(let members) where step < members.count:
                names.append(".\(members[step].key.text.prefix(40))")
                value = members[step].value
            default: names.append("?")
            }
        }
        return names.isEmpty ? "the top" : names.joined()
    }
}
