/// A value of JSON that is built member by member.
enum JSONNode: Encodable {
    case integer(Int)
    case number(Double)
    case text(String)
    case boolean(Bool)
    case null
    case list([JSONNode])
    case object([String: JSONNode])

    /// A number; null where there is none, or one that JSON cannot hold.
    static func finite(_ value: Double?) -> JSONNode { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .null: try container.encodeNil()
        case .list(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}

extension [String: JSONNode] {
    /// The value under `key` and its interval [low, high] under `key_interval`.
    mutating func add(_ estimate: Estimate, as key: String) {
        self[key] = .number(estimate.value)
        self[key + "_interval"] = .list([.number(estimate.low), .number(estimate.high)])
    }
}
