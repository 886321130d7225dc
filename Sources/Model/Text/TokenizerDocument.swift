/// A tokenizer.json as it is read: vocabulary and merges, of which there are hundreds of thousands, go into flat
/// storage, the rest becomes JSON values.
struct TokenizerDocument {
    /// Everything but `model.vocab` and `model.merges`.
    let fields: JSONFields
    /// The texts of `model.vocab`, and their ids; nil when it is no object.
    private(set) var vocabulary: (texts: ByteStrings, ids: [Int])?
    /// Left and right parts of `model.merges` by turns; nil when it is no array.
    private(set) var merges: ByteStrings?

    init(_ file: MappedFile, path: String) throws(ModelFileError) {
        var vocabulary: (texts: ByteStrings, ids: [Int])?
        var merges: ByteStrings?
        let root = try JSONParser.parse(file.bytes, path: path) { (key, parser) throws(JSONParser.Failure) in
            guard key == "model", parser.isAt(UInt8(ascii: "{")) else { return nil }
            return try parser.parseObject { (key, parser) throws(JSONParser.Failure) in
                if key == "vocab", parser.isAt(UInt8(ascii: "{")) {
                    vocabulary = try TokenizerDocument.vocabulary(&parser)
                    return .boolean(true)
                }
                if key == "merges", parser.isAt(UInt8(ascii: "[")) {
                    merges = try TokenizerDocument.merges(&parser)
                    return .boolean(true)
                }
                return nil
            }
        }
        fields = try JSONFields(root, path: path)
        self.vocabulary = vocabulary
        self.merges = merges
    }

    private static func vocabulary(_ parser: inout JSONParser) throws(JSONParser.Failure) -> (texts: ByteStrings, ids: [Int]) {
        var (texts, ids) = (ByteStrings(), [Int]())
        try parser.parseMembers { (parser) throws(JSONParser.Failure) in
            try texts.append { (bytes) throws(JSONParser.Failure) in try parser.parseString(appendingTo: &bytes) }
        } value: { (parser) throws(JSONParser.Failure) in
            ids.append(try parser.parseInteger("an id"))
        }
        return (texts, ids)
    }

    private static func merges(_ parser: inout JSONParser) throws(JSONParser.Failure) -> ByteStrings {
        // Older files write "left right", newer ones ["left", "right"].
        var merges = ByteStrings()
        var text: [UInt8] = []
        try parser.parseElements { (parser) throws(JSONParser.Failure) in
            if parser.isAt(UInt8(ascii: "[")) {
                var count = 0
                try parser.parseElements { (parser) throws(JSONParser.Failure) in
                    guard count < 2, parser.isAt(UInt8(ascii: "\"")) else { throw parser.failure("a merge of two tokens, [\"left\", \"right\"]") }
                    try merges.append { (bytes) throws(JSONParser.Failure) in try parser.parseString(appendingTo: &bytes) }
                    count += 1
                }
                guard count == 2 else { throw parser.failure("a merge of two tokens, [\"left\", \"right\"], before this") }
            } else {
                guard parser.isAt(UInt8(ascii: "\"")) else { throw parser.failure("a merge, \"left right\" or [\"left\", \"right\"]") }
                text.removeAll(keepingCapacity: true)
                try parser.parseString(appendingTo: &text)
                guard let blank = text.firstIndex(of: 0x20), !text[(blank + 1)...].contains(0x20) else {
                    throw parser.failure("a merge of two tokens with one blank between, before this")
                }
                merges.append(text[..<blank])
                merges.append(text[(blank + 1)...])
            }
        }
        return merges
    }
}
