/// What a tokenizer.json does with a text before and after the model: its normalizer, pre-tokenizer, post-processor and decoder.
struct TokenizerSteps {
    let normalization: [NormalizationStep]
    let preTokenizer: PreTokenizer
    let isByteLevel: Bool
    let decoding: Vocabulary.Decoding

    init(_ fields: JSONFields) throws(ModelFileError) {
        normalization = try TokenizerSteps.normalization(fields)
        preTokenizer = try TokenizerSteps.preTokenizer(fields)
        switch preTokenizer {
        case .whole, .metaspace: isByteLevel = false
        default: isByteLevel = true
        }
        decoding = try isByteLevel ? TokenizerSteps.byteLevelDecoding(fields) : TokenizerSteps.characterDecoding(fields)
    }

    /// The steps of a "Sequence", or the one step; none when absent.
    private static func steps(_ fields: JSONFields, _ key: String, list: String) throws(ModelFileError) -> [JSONFields] {
        guard let step = try fields.object(key) else { return [] }
        guard try step.required("type", JSONFields.string) == "Sequence" else { return [step] }
        var steps: [JSONFields] = []
        for (index, element) in try step.required(list, JSONFields.array).enumerated() {
            steps.append(try JSONFields(element, path: fields.path, name: "\(key).\(list)[\(index)]"))
        }
        return steps
    }

    private static func type(_ step: JSONFields) throws(ModelFileError) -> String { try step.required("type", JSONFields.string) }

    // MARK: Normalizer

    private static func normalization(_ fields: JSONFields) throws(ModelFileError) -> [NormalizationStep] {
        var result: [NormalizationStep] = []
        for step in try steps(fields, "normalizer", list: "normalizers") {
            switch try type(step) {
            case "NFC": result.append(.compose)
            case "Prepend": result.append(.prepend(try step.required("prepend", JSONFields.bytes)))
            case "Replace": result.append(.replace(try pattern(step), with: try step.required("content", JSONFields.bytes)))
            case let type: throw step.refusal("type", "\"NFC\", \"Prepend\" and \"Replace\"", JSONValue(type))
            }
        }
        return result
    }

    /// The text that a "Replace" looks for.
    private static func pattern(_ step: JSONFields) throws(ModelFileError) -> ByteString {
        let pattern = try step.required("pattern", JSONFields.object)
        guard let text = try pattern.bytes("String"), !text.bytes.isEmpty else {
            throw step.refusal("pattern", "a text that is not empty, as {\"String\": …}", step["pattern"] ?? .null)
        }
        return text
    }

    // MARK: Pre-tokenizer

    private static func preTokenizer(_ fields: JSONFields) throws(ModelFileError) -> PreTokenizer {
        let supported = "those of GPT-2, SmolLM2, Llama 3, Qwen2 and Llama 2"
        let steps = try steps(fields, "pre_tokenizer", list: "pretokenizers")
        guard let last = steps.last else { return .whole }
        if steps.count == 1, try type(last) == "Metaspace" { return try metaspace(last) }
        guard try type(last) == "ByteLevel" else {
            throw fields.refusal("pre_tokenizer", supported, try steps.count == 1 ? JSONValue(type(last)) : fields["pre_tokenizer"] ?? .null)
        }
        if try last.boolean("add_prefix_space") ?? true { throw last.refusal("add_prefix_space", "false", .boolean(true)) }
        let usesPattern = try last.boolean("use_regex") ?? true
        if steps.count == 1 {
            guard usesPattern else { throw last.refusal("use_regex", "true, when there is no other step", .boolean(false)) }
            return .gpt2
        }
        let first = steps[0]
        guard steps.count == 2 else { throw fields.refusal("pre_tokenizer", supported, .array(Array(repeating: .null, count: steps.count))) }
        switch try type(first) {
        case "Digits":
            guard try first.boolean("individual_digits") ?? false, usesPattern else {
                throw first.refusal("individual_digits", "true, followed by ByteLevel with use_regex", .boolean(usesPattern))
            }
            return .smollm2
        case "Split":
            let patterns: [String: PreTokenizer] = [
                PreTokenizer.gpt2Pattern: .gpt2, PreTokenizer.llama3Pattern: .llama3, PreTokenizer.qwen2Pattern: .qwen2,
            ]
            let pattern = try first.required("pattern", JSONFields.object).required("Regex", JSONFields.string)
            guard let known = patterns[pattern] else {
                throw first.refusal("pattern.Regex", "the patterns of GPT-2, Llama 3 and Qwen2", JSONValue(pattern))
            }
            let behavior = try first.required("behavior", JSONFields.string)
            let isInverted = try first.boolean("invert") ?? false
            guard behavior == "Isolated", !isInverted, !usesPattern else {
                throw first.refusal("behavior", "\"Isolated\", not inverted, followed by ByteLevel without use_regex", JSONValue(behavior))
            }
            return known
        case let type:
            throw first.refusal("type", supported, JSONValue(type))
        }
    }

    private static func metaspace(_ step: JSONFields) throws(ModelFileError) -> PreTokenizer {
        let replacement = try step.required("replacement", JSONFields.bytes)
        guard replacement == BlankMark.text else { throw step.refusal("replacement", "\"\(BlankMark.text.text)\"", .string(replacement)) }
        let name = try step.string("prepend_scheme") ?? "always"
        guard let prepend = PreTokenizer.Prepend(rawValue: name) else {
            throw step.mismatch("prepend_scheme", expected: "always, first or never", JSONValue(name))
        }
        // The older name of the same thing.
        if let adds = try step.boolean("add_prefix_space"), adds == (prepend == .never) {
            throw step.refusal("add_prefix_space", "what prepend_scheme says too", .boolean(adds))
        }
        return .metaspace(prepend: prepend, cutsBeforeBlanks: try step.boolean("split") ?? true)
    }

    // MARK: Decoder

    /// Files without a decoder are read as if they had the one that fits.
    private static func byteLevelDecoding(_ fields: JSONFields) throws(ModelFileError) -> Vocabulary.Decoding {
        for step in try steps(fields, "decoder", list: "decoders") {
            let type = try type(step)
            guard type == "ByteLevel" else { throw step.refusal("type", "\"ByteLevel\", as the pre-tokenizer is", JSONValue(type)) }
        }
        return .bytes
    }

    /// Replace, ByteFallback, Fuse and Strip, in this order, of which each may be missing.
    private static func characterDecoding(_ fields: JSONFields) throws(ModelFileError) -> Vocabulary.Decoding {
        let order = ["Replace", "ByteFallback", "Fuse", "Strip"]
        let supported = "a Sequence of \(order.joined(separator: ", ")), in this order, where ByteLevel is not the pre-tokenizer"
        var (unmarks, fallback, stripped) = (false, false, 0)
        var (place, isFused) = (-1, false)
        let steps = try steps(fields, "decoder", list: "decoders")
        guard !steps.isEmpty else { throw fields.refusal("decoder", supported, fields["decoder"] ?? .null) }
        for step in steps {
            let type = try type(step)
            guard let next = order.firstIndex(of: type), next > place else { throw step.refusal("type", supported, JSONValue(type)) }
            place = next
            switch type {
            case "Replace":
                guard try pattern(step) == BlankMark.text, try step.string("content") == " " else {
                    throw step.refusal("pattern", "\"\(BlankMark.text.text)\" replaced by a blank", step["content"] ?? .null)
                }
                unmarks = true
            case "ByteFallback": fallback = true
            case "Fuse": isFused = true
            default:
                let (start, stop) = (try step.integer("start") ?? 0, try step.integer("stop") ?? 0)
                guard try step.string("content") == " ", start >= 0, stop == 0, isFused else {
                    throw step.refusal("content", "blanks at the beginning of the fused text", step["content"] ?? .null)
                }
                stripped = start
            }
        }
        return .characters(unmarks: unmarks, fallback: fallback, stripped: stripped)
    }

    // MARK: Post-processor

    /// One or two are usual. Parts may be named again and again, so that a short file could stand for a long text.
    private static let mostSurrounding = 64

    /// The tokens that the post-processor puts before and after one text.
    static func surroundings(
        _ fields: JSONFields, idLimit: Int
    ) throws(ModelFileError) -> (prefix: [Int32], suffix: [Int32]) {
        var surroundings: (prefix: [Int32], suffix: [Int32]) = ([], [])
        for step in try steps(fields, "post_processor", list: "processors") {
            let type = try step.required("type", JSONFields.string)
            if type == "ByteLevel" { continue }
            guard type == "TemplateProcessing" else {
                throw step.refusal("type", "\"ByteLevel\" and \"TemplateProcessing\"", JSONValue(type))
            }
            let definitions = try step.required("special_tokens", JSONFields.object)
            var isBefore = true
            let single = try step.required("single", JSONFields.array)
            guard single.count <= mostSurrounding else { throw step.refusal("single", "at most \(mostSurrounding) parts", .array(single)) }
            for (index, element) in single.enumerated() {
                let part = try JSONFields(element, path: fields.path, name: step.prefix + "single[\(index)]")
                guard let special = try part.object("SpecialToken") else {
                    isBefore = false
                    continue
                }
                let name = try special.required("id", JSONFields.string)
                let definition = try definitions.required(name, JSONFields.object)
                let ids = try definition.required("ids", JSONFields.array)
                guard ids.count <= mostSurrounding else { throw definition.refusal("ids", "at most \(mostSurrounding) ids", .array(ids)) }
                for element in ids {
                    guard case .integer(let id) = element, id >= 0, id < idLimit else {
                        throw definition.mismatch("ids", expected: "ids of the vocabulary", element)
                    }
                    if isBefore { surroundings.prefix.append(Int32(id)) } else { surroundings.suffix.append(Int32(id)) }
                }
            }
        }
        return surroundings
    }
}
