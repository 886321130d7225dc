/// A JSON document in memory. Objects keep the order of their members; no key occurs twice.
package enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int)
    /// Any other number; always finite.
    case number(Double)
    case string(ByteString)
    case array([JSONValue])
    case object([JSONMember])

    package init(_ text: String) { self = .string(ByteString(text)) }

    /// How a person would name what stands here, for error messages.
    package var summary: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value.text.prefix(60))\""
        case .array(let elements): "an array of \(elements.count)"
        case .object(let members): "an object of \(members.count)"
        }
    }

    /// The member of an object; nil when there is none or this is no object.
    package subscript(key: ByteString) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

package struct JSONMember: Sendable, Equatable {
    package let key: ByteString
    package let value: JSONValue

    package init(_ key: ByteString, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

// MARK: - Writing

extension JSONValue {
    /// The document as UTF-8, indented by two blanks per level when `indented`.
    package func encoded(indented: Bool = true) -> [UInt8] {
        var output: [UInt8] = []
        append(to: &output, level: indented ? 0 : nil)
        if indented { output.append(UInt8(ascii: "\n")) }
        return output
    }

    private func append(to output: inout [UInt8], level: Int?) {
        switch self {
        case .null: output += Array("null".utf8)
        case .boolean(let value): output += Array((value ? "true" : "false").utf8)
        case .integer(let value): output += Array(String(value).utf8)
        case .number(let value): output += Array(value.description.utf8)
        case .string(let value): value.appendQuoted(to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONValue.breakLine(&output, level.map { $0 + 1 })
                element.append(to: &output, level: level.map { $0 + 1 })
            }
            if !elements.isEmpty { JSONValue.breakLine(&output, level) }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONValue.breakLine(&output, level.map { $0 + 1 })
                member.key.appendQuoted(to: &output)
                output.append(UInt8(ascii: ":"))
                if level != nil { output.append(UInt8(ascii: " ")) }
                member.value.append(to: &output, level: level.map { $0 + 1 })
            }
            if !members.isEmpty { JSONValue.breakLine(&output, level) }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func breakLine(_ output: inout [UInt8], _ level: Int?) {
        guard let level else { return }
        output.append(UInt8(ascii: "\n"))
        output += [UInt8](repeating: UInt8(ascii: " "), count: 2 * level)
    }
}

extension ByteString {
    fileprivate func appendQuoted(to output: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        output.append(UInt8(ascii: "\""))
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0A: output += Array("\\n".utf8)
            case 0..<0x20: output += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
