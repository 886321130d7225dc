/// Reads one JSON document (RFC 8259) from bytes, strictly.
///
/// Unlike Foundation's, it refuses duplicate keys and numbers beyond `Double`, bounds the nesting (a few thousand
/// brackets must not exhaust the stack), and needs a quarter of the time for a tokenizer's 100 000 strings.
package struct JSONParser {
    /// What stood at a byte where something else was expected.
    package struct Failure: Error {
        let offset: Int
        let expected: String
        let found: String
    }

    /// No format read here nests deeper than ten.
    static let maximumDepth = 64

    /// What a value takes in memory, about; a bracket and a comma can stand for many times their length.
    private static let valueBytes = 48
    /// What the values of a document may take beyond its length.
    private static let allowance = 56 << 20

    private let input: UnsafeRawBufferPointer
    /// How many more values there may be.
    private var valuesLeft: Int
    private var position = 0
    private var depth = 0

    private init(_ input: UnsafeRawBufferPointer) {
        self.input = input
        valuesLeft = (input.count + Self.allowance) / Self.valueBytes
    }

    /// Reads the value of a member in a way of its own; nil: it is left to the parser.
    package typealias MemberReader = (ByteString, inout JSONParser) throws(Failure) -> JSONValue?

    /// Parses a whole file. `path` and `part` name it in errors; `member` may read members of the top level.
    package static func parse(
        _ input: UnsafeRawBufferPointer, path: String, part: String = "JSON", member: MemberReader? = nil
    ) throws(ModelFileError) -> JSONValue {
        guard String(validating: input, as: UTF8.self) != nil else {
            throw .malformed(path: path, field: part, expected: "UTF-8 text", found: "invalid UTF-8")
        }
        var parser = JSONParser(input)
        do throws(Failure) {
            let value =
                if let member, parser.isAt(UInt8(ascii: "{")) { try parser.parseObject(member) } else { try parser.parseValue() }
            parser.skipBlanks()
            if parser.position < input.count { throw parser.failure("the end of the document") }
            return value
        } catch {
            throw .malformed(
                path: path, field: "\(part) at byte \(error.offset)", expected: error.expected, found: error.found)
        }
    }

    func failure(_ expected: String) -> Failure {
        guard position < input.count else { return Failure(offset: position, expected: expected, found: "the end of the text") }
        let byte = input[position]
        let found = byte > 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
        return Failure(offset: position, expected: expected, found: found)
    }

    private mutating func skipBlanks() {
        while position < input.count {
            let byte = input[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    /// Whether `byte` is next after blanks.
    mutating func isAt(_ byte: UInt8) -> Bool {
        skipBlanks()
        return peek() == byte
    }

    private func peek() -> UInt8? { position < input.count ? input[position] : nil }

    /// Steps over `byte`, if it is next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(Failure) -> JSONValue {
        skipBlanks()
        valuesLeft -= 1
        if valuesLeft < 0 { throw failure("fewer values for a document of \(input.count) bytes") }
        switch peek() {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .boolean(true))
        case UInt8(ascii: "f"): return try parseWord("false", .boolean(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        default: return try parseNumber()
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) { throw failure("\(word)") }
        return value
    }

    private mutating func enter() throws(Failure) {
        depth += 1
        position += 1
        if depth > Self.maximumDepth { throw failure("at most \(Self.maximumDepth) levels of nesting") }
        skipBlanks()
    }

    private mutating func parseArray() throws(Failure) -> JSONValue {
        var elements: [JSONValue] = []
        try parseElements { (parser) throws(Failure) in elements.append(try parser.parseValue()) }
        return .array(elements)
    }

    /// Reads an array, whose "[" is next; `element` reads each element.
    mutating func parseElements(_ element: (inout JSONParser) throws(Failure) -> Void) throws(Failure) {
        try enter()
        defer { depth -= 1 }
        if take(UInt8(ascii: "]")) { return }
        while true {
            try element(&self)
            skipBlanks()
            if take(UInt8(ascii: "]")) { return }
            if !take(UInt8(ascii: ",")) { throw failure("',' or ']'") }
        }
    }

    /// Reads an object, whose "{" is next. Its keys differ.
    mutating func parseObject(_ read: MemberReader? = nil) throws(Failure) -> JSONValue {
        let start = position
        var members: [JSONMember] = []
        var key = ByteString([])
        try parseMembers { (parser) throws(Failure) in
            key = try parser.parseString()
        } value: { (parser) throws(Failure) in
            if let read, let value = try read(key, &parser) {
                members.append(JSONMember(key, value))
            } else {
                members.append(JSONMember(key, try parser.parseValue()))
            }
        }
        var seen = Set<ByteString>(minimumCapacity: members.count)
        for member in members where !seen.insert(member.key).inserted {
            throw Failure(
                offset: start, expected: "an object whose keys differ", found: "an object with \"\(member.key.text.prefix(80))\" twice")
        }
        return .object(members)
    }

    /// Reads an object, whose "{" is next; `key` and `value` read each member, and see to it that keys differ.
    mutating func parseMembers(
        key: (inout JSONParser) throws(Failure) -> Void, value: (inout JSONParser) throws(Failure) -> Void
    ) throws(Failure) {
        try enter()
        defer { depth -= 1 }
        if take(UInt8(ascii: "}")) { return }
        while true {
            skipBlanks()
            guard peek() == UInt8(ascii: "\"") else { throw failure("a key in quotes") }
            try key(&self)
            skipBlanks()
            if !take(UInt8(ascii: ":")) { throw failure("':'") }
            skipBlanks()
            try value(&self)
            skipBlanks()
            if take(UInt8(ascii: "}")) { return }
            if !take(UInt8(ascii: ",")) { throw failure("',' or '}'") }
        }
    }

    // MARK: Strings

    private mutating func parseString() throws(Failure) -> ByteString {
        var bytes: [UInt8] = []
        try parseString(appendingTo: &bytes)
        return ByteString(bytes)
    }

    /// Reads a string, whose opening quote is next.
    mutating func parseString(appendingTo bytes: inout [UInt8]) throws(Failure) {
        position += 1
        let start = position
        // Most strings have no escape: find the end, copy once.
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        bytes.append(contentsOf: input[start..<position])
        while true {
            guard let byte = peek() else { throw failure("the closing quote") }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                position += 1
                try parseEscape(into: &bytes)
            case 0..<0x20:
                throw failure("an escape (control characters may not stand in a string)")
            default:
                bytes.append(byte)
                position += 1
            }
        }
    }

    private mutating func parseEscape(into bytes: inout [UInt8]) throws(Failure) {
        guard let byte = peek() else { throw failure("an escape") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            var code = try parseHexadecimal()
            if code >= 0xD800, code < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
                let low = try parseHexadecimal()
                guard low >= 0xDC00, low < 0xE000 else { throw failure("the second half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("a surrogate pair, not half of one") }
            bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
            return
        default: throw failure("one of \" \\ / b f n r t u")
        }
        position += 1
    }

    private mutating func parseHexadecimal() throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw failure("four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    // MARK: Numbers

    private mutating func skipDigits() throws(Failure) {
        let start = position
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        if position == start { throw failure(start == 0 ? "a JSON value" : "a digit or a JSON value") }
    }

    /// Reads an integer that is next; `name` says what it is, in errors.
    mutating func parseInteger(_ name: String) throws(Failure) -> Int {
        let start = position
        guard case .integer(let value) = try parseNumber() else {
            throw Failure(offset: start, expected: name, found: "a number with a fraction, or beyond 64 bits")
        }
        return value
    }

    private mutating func parseNumber() throws(Failure) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try skipDigits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
        if isInteger, position - start <= 9, input[start] != UInt8(ascii: "-") {
            return .integer(input[start..<position].reduce(0) { 10 * $0 + Int($1 & 15) })
        }
        let text = String(decoding: input[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw Failure(offset: start, expected: "a finite number", found: String(text.prefix(40)))
        }
        return .number(value)
    }
}
