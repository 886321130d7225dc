/// Typed access to the members of a JSON object; every error names the file and the field.
struct JSONFields {
    let path: String
    /// "" at the top, else for example "rope_scaling.".
    let prefix: String
    let members: [JSONMember]
    /// What is done with the keys; only those that it calls honoured may be asked for.
    let table: KeyTable?

    init(_ value: JSONValue, path: String, name: String = "", table: KeyTable? = nil) throws(ModelFileError) {
        guard case .object(let members) = value else {
            throw .malformed(
                path: path, field: name.isEmpty ? "the top level" : name, expected: "an object", found: value.summary)
        }
        self.path = path
        self.members = members
        self.table = table
        prefix = name.isEmpty ? "" : name + "."
    }

    /// Reads and parses a file.
    init(file path: String, table: KeyTable? = nil) throws(ModelFileError) {
        let file = try MappedFile(path)
        try self.init(JSONParser.parse(file.bytes, path: path), path: path, table: table)
    }

    /// Throws for the first member that the table does not let pass.
    func checkKeys() throws(ModelFileError) {
        guard let table else { return }
        for member in members { try table.check(member.key.text, member.value, path: path, prefix: prefix) }
    }

    /// The member; nil when it is absent or null.
    subscript(key: String) -> JSONValue? {
        precondition(table?.isHonoured(key) ?? true, "\(key) is read, but not honoured in the table of keys")
        let wanted = ByteString(key)
        guard let value = members.first(where: { $0.key == wanted })?.value, value != .null else { return nil }
        return value
    }

    func mismatch(_ key: String, expected: String, _ value: JSONValue) -> ModelFileError {
        .malformed(path: path, field: prefix + key, expected: expected, found: value.summary)
    }

    func missing(_ key: String) -> ModelFileError {
        .missing(path: path, field: prefix + key, advice: "add it, or take the file from the model's original folder")
    }

    func integer(_ key: String) throws(ModelFileError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .integer(let integer) = value else { throw mismatch(key, expected: "an integer", value) }
        return integer
    }

    func number(_ key: String) throws(ModelFileError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .integer(let integer): return Double(integer)
        case .number(let number): return number
        case let value?: throw mismatch(key, expected: "a number", value)
        }
    }

    func boolean(_ key: String) throws(ModelFileError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .boolean(let boolean) = value else { throw mismatch(key, expected: "true or false", value) }
        return boolean
    }

    func bytes(_ key: String) throws(ModelFileError) -> ByteString? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else { throw mismatch(key, expected: "a string", value) }
        return string
    }

    func string(_ key: String) throws(ModelFileError) -> String? { try bytes(key)?.text }

    func array(_ key: String) throws(ModelFileError) -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard case .array(let elements) = value else { throw mismatch(key, expected: "an array", value) }
        return elements
    }

    func object(_ key: String) throws(ModelFileError) -> JSONFields? { try object(key, table: nil) }

    func object(_ key: String, table: KeyTable?) throws(ModelFileError) -> JSONFields? {
        guard let value = self[key] else { return nil }
        return try JSONFields(value, path: path, name: prefix + key, table: table)
    }

    func required<Value>(
        _ key: String, _ read: (JSONFields) -> (String) throws(ModelFileError) -> Value?
    ) throws(ModelFileError) -> Value {
        guard let value = try read(self)(key) else { throw missing(key) }
        return value
    }
}
