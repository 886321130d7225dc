import Foundation
import Tensor
import Testing

@testable import Model

@Suite("Keys of model files")
struct KeyTableTests {
    private static let checkpoint = ownFixtures.appendingPathComponent("nano-tied-f32/checkpoint")

    /// A value that no key allows: none is an object with such a member.
    private static let wrong: JSONValue = .object([JSONMember("wrong", .integer(1))])

    @Test("docs/models.md has every table as the program has it, line by line")
    func page() throws {
        let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        let page = try String(contentsOf: root.appendingPathComponent("docs/models.md"), encoding: .utf8)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.contains { $0.contains(KeyTable.suspectParts.joined(separator: ", ")) })
        for table in KeyTable.all {
            let expected = table.markdown
            guard let start = lines.firstIndex(of: expected[0]) else {
                Issue.record("docs/models.md has no table with the heading\n\(expected[0])")
                continue
            }
            let found = Array(lines[start...].prefix { $0.hasPrefix("|") })
            for line in expected where !found.contains(line) { Issue.record("docs/models.md needs the line\n\(line)") }
            let isSame = found == expected
            #expect(isSame, "the table of \(table.format) in docs/models.md has a line too many or in another place")
        }
    }

    @Test("no key is in a table twice")
    func unique() {
        for table in KeyTable.all { #expect(Set(table.entries.map(\.key)).count == table.entries.count, "\(table.format)") }
    }

    @Test("an unknown key is refused by name if it looks as if it mattered")
    func unknown() throws {
        for table in [KeyTable.configuration, .gguf] {
            for key in ["rope_twist", "my_scale", "logit_cap", "final_norm_bias", "expertise", "Attention_Sink"] {
                let error = #expect(throws: ModelFileError.self) { try table.check(key, .integer(1), path: "file") }
                #expect(error?.description.contains("file: \(key) is 1, and a key with") == true)
                try table.check(key, .null, path: "file")
            }
            try table.check("colour", .integer(1), path: "file")
        }
        #expect(throws: ModelFileError.self) { try KeyTable.rope.check("colour", .integer(1), path: "file") }
    }

    // MARK: - config.json

    /// Opens the fixture with a changed config.json; null takes a key away.
    private func open(_ changes: [(String, JSONValue)]) throws -> ModelFiles {
        try withScratchFolder { folder in
            for name in try FileManager.default.contentsOfDirectory(atPath: Self.checkpoint.path) where name != "generation_config.json" {
                try FileManager.default.copyItem(at: Self.checkpoint.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            let path = folder.appendingPathComponent("config.json")
            var members = try JSONFields(file: path.path).members
            for (key, value) in changes {
                members.removeAll { $0.key == ByteString(key) }
                if value != .null { members.append(JSONMember(ByteString(key), value)) }
            }
            try Data(JSONValue.object(members).encoded()).write(to: path)
            return try ModelFiles.open(folder.path)
        }
    }

    private static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { JSONMember(ByteString($0.key), $0.value) })
    }

    private static let llama3 = object([
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64,
        "rope_theta": 100,
    ])

    @Test("every key of config.json is read if it is honoured, passed over if harmless, and named if refused")
    func configurationKeys() throws {
        for entry in KeyTable.configuration.entries {
            let key = entry.key.replacingOccurrences(of: "*", with: "x")
            switch entry.treatment {
            case .harmless: _ = try open([(key, Self.wrong)])
            case .honoured, .refused:
                let error = #expect(throws: ModelFileError.self, "\(key)") { try open([(key, Self.wrong)]) }
                #expect(error?.description.contains(key) == true, "\(key): \(String(describing: error))")
            }
            guard case .refused(let neutral, _) = entry.treatment else { continue }
            for value in neutral { _ = try open([(key, value)]) }
        }
    }

    @Test("so is every key of rope_scaling and rope_parameters")
    func ropeKeys() throws {
        guard case .object(let members) = Self.llama3 else { return }
        for entry in KeyTable.rope.entries {
            let key = entry.key.replacingOccurrences(of: "*", with: "full_attention")
            // The older name of the type is looked at only in the absence of the newer.
            let others = members.filter { $0.key != ByteString(key) && !(key == "type" && $0.key == "rope_type") }
            for object in ["rope_scaling", "rope_parameters"] {
                let changes = [(object, JSONValue.object(others + [JSONMember(ByteString(key), Self.wrong)]))]
                if entry.treatment == .harmless {
                    _ = try open(changes)
                } else {
                    let error = #expect(throws: ModelFileError.self, "\(key)") { try open(changes) }
                    #expect(error?.description.contains("\(object).\(key)") == true, "\(key): \(String(describing: error))")
                }
            }
        }
    }

    private static let linear = object(["type": "linear", "factor": 4])
    private static let untyped = object(["factor": 2])
    private static let plainWithTheta = object(["rope_type": "default", "rope_theta": 300])

    /// Changes of the fixture's configuration, and the frequencies that transformers 5.23 makes of them.
    private static let rotary: [(changes: [(String, JSONValue)], frequencies: [Float])] = [
        ([], [1, 0.1, 0.01, 0.001]),
        ([("rope_parameters", .null), ("rope_scaling", untyped)], [1, 0.1, 0.01, 0.001]),
        ([("rope_parameters", .null), ("rope_scaling", object(["type": "linear", "factor": 2]))], [0.5, 0.05, 0.005, 0.0005]),
        (
            [("rope_parameters", .null), ("rope_scaling", object(["rope_type": "linear", "factor": 2])), ("rope_theta", 500)],
            [0.5, 0.10573712, 0.02236068, 0.004728708]
        ),
        (
            [("rope_scaling", object(["rope_type": "default", "type": "linear", "factor": 2]))],
            [1, 0.1, 0.01, 0.001]
        ),
        (
            [("rope_scaling", object(["type": "linear", "factor": 2, "attention_factor": 1.5, "attn_factor": 1.5]))],
            [0.5, 0.05, 0.005, 0.0005]
        ),
        (
            [("rope_scaling", .object([])), ("rope_parameters", object(["rope_type": "linear", "factor": 4, "rope_theta": 100]))],
            [0.25, 0.07905694, 0.025, 0.0079056947]
        ),
        (
            [("rope_parameters", object(["rope_type": "linear", "factor": 4])), ("rope_theta", 100)],
            [0.25, 0.07905694, 0.025, 0.0079056947]
        ),
        ([("rope_parameters", plainWithTheta), ("rope_theta", 100)], [1, 0.24028115, 0.057735022, 0.013872638]),
        // The older object wins whole: the θ beside it is lost.
        ([("rope_parameters", plainWithTheta), ("rope_scaling", linear)], [0.25, 0.025, 0.0025, 0.00025]),
        (
            [("rope_parameters", plainWithTheta), ("rope_scaling", linear), ("rope_theta", 50)],
            [0.25, 0.09401508, 0.03535534, 0.01329574]
        ),
        (
            [("rope_scaling", object(["type": "linear", "factor": 4, "rope_theta": 70])), ("rope_theta", 50)],
            [0.25, 0.0864302, 0.029880716, 0.010330385]
        ),
        ([("rope_parameters", llama3)], [1, 0.24438459, 0.013042256, 0.0039528473]),
        ([("rope_scaling", llama3)], [1, 0.24438459, 0.013042256, 0.0039528473]),
        ([("rope_parameters", llama3), ("original_max_position_embeddings", 32)], [1, 0.09583998, 0.0125, 0.0039528473]),
        (
            [
                ("rope_parameters", object(["rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4])),
                ("rope_theta", 100), ("max_position_embeddings", 128),
            ], [1, 0.31622776, 0.042751178, 0.0039528473]
        ),
    ]

    @Test("rotary settings in all spellings give transformers' frequencies")
    func rotary() throws {
        for (changes, expected) in Self.rotary {
            let frequencies = try open(changes).configuration.inverseFrequencies
            let isClose = zip(frequencies, expected).allSatisfy { abs($0 / $1 - 1) < 1e-6 }
            #expect(frequencies.count == expected.count && isClose, "\(changes): \(frequencies), transformers has \(expected)")
        }
    }

    @Test("log-probabilities of models with rotary settings are transformers'")
    func values() throws {
        for (changes, expected): ([(String, JSONValue)], Float) in [
            ([], -29.353683), ([("rope_scaling", Self.object(["type": "linear", "factor": 2]))], -29.449978),
            ([("rope_parameters", Self.plainWithTheta), ("rope_scaling", Self.linear)], -31.291728),
            ([("rope_parameters", Self.llama3)], -26.413592),
            ([("rope_parameters", Self.llama3), ("original_max_position_embeddings", 32)], -29.412688),
        ] {
            let base = try BaseModel(open(changes), precision: .fp32, gradients: false, parallel: .serial)
            let group = TokenGroup(prompt: Array(5...14), responses: [[20, 21, 22, 23]])
            let scores = Policy(base: base, trainable: .full, parallel: .serial).forward([group], recording: false).scores
            let sum = scores[0][0].tokenLogProbabilities.reduce(0, +)
            #expect(abs(sum - expected) < 2e-5, "\(changes): \(sum), transformers has \(expected)")
        }
    }

    @Test("settings that do nothing are said, and types of scaling that are not supported refused by name")
    func notes() throws {
        #expect(try open([]).notes.isEmpty)
        let untyped = try open([("rope_scaling", Self.untyped), ("rope_parameters", .null)]).notes
        #expect(untyped.count == 1 && untyped[0].contains("rope_scaling.factor does nothing"))
        let both = try open([("rope_scaling", Self.linear)]).notes
        #expect(both.count == 1 && both[0].contains("rope_scaling is used instead of rope_parameters"))
        for type in ["dynamic", "yarn", "longrope", "mrope"] {
            for key in ["type", "rope_type"] {
                let error = #expect(throws: ModelFileError.self) {
                    try open([("rope_scaling", Self.object([key: JSONValue(type), "factor": 2]))])
                }
                #expect(error?.description.contains("rope_scaling.\(key) is \"\(type)\"") == true)
            }
        }
    }

    @Test("a window is refused unless it is off or as long as the context")
    func windows() throws {
        for changes: [(String, JSONValue)] in [
            [("use_sliding_window", .boolean(false)), ("sliding_window", 8)], [("sliding_window", 256)],
            [("use_sliding_window", .boolean(true))],
        ] { _ = try open(changes) }
        let error = #expect(throws: ModelFileError.self) { try open([("sliding_window", 8)]) }
        #expect(error?.description.contains("sliding_window is 8") == true)
        #expect(try open([("hidden_act", "swish")]).configuration == open([]).configuration)
    }

    @Test("of whole weights beside an index the whole ones are used, and that is said")
    func wholeBesideIndex() throws {
        try withScratchFolder { folder in
            for name in try FileManager.default.contentsOfDirectory(atPath: Self.checkpoint.path) {
                try FileManager.default.copyItem(at: Self.checkpoint.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            let index = Data(#"{"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}}"#.utf8)
            try index.write(to: folder.appendingPathComponent(SafetensorsCheckpoint.indexName))
            let files = try ModelFiles.open(folder.path)
            #expect(files.notes == [try #require(SafetensorsCheckpoint.note(folder: folder.path))])
            #expect(try files.weights.read("model.norm.weight") == ModelFiles.open(Self.checkpoint.path).weights.read("model.norm.weight"))
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral text: String) { self.init(text) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
}
