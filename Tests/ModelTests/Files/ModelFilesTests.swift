import Foundation
import Testing

@testable import Model

@Suite("Model folders")
struct ModelFilesTests {
    private static let nano = ownFixtures.appendingPathComponent("nano-tied-f32")

    private static var models: [URL] {
        get throws {
            guard let external = externalModels else { return [nano] }
            return try subfolders(external)
        }
    }

    private static var externalModels: URL? {
        let folder = fixtures("models", own: "none")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }

    @Test("every checkpoint opens, in either spelling of config.json, and all its weights are read")
    func opens() throws {
        var count = 0
        for folder in try Self.models {
            let files = try ModelFiles.open(folder.appendingPathComponent("checkpoint").path)
            for (name, shape) in files.configuration.tensorShapes {
                #expect(try files.weights.read(name).count == shape.reduce(1, *))
            }
            #expect(files.configuration.endTokens == [2] && files.configuration.beginToken == 1)
            let name = folder.lastPathComponent
            #expect(try files.requireTokenizer().vocabularySize <= files.configuration.vocabularySize)
            let configuration = files.configuration
            if name.hasPrefix("llama3rope") {
                #expect(configuration.headSize == 32 && configuration.rope.theta == 500000)
                #expect(
                    configuration.rope.scaling
                        == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 16))
            }
            if name.hasPrefix("linear-rope") { #expect(configuration.rope.scaling == .linear(factor: 2)) }
            if name.hasPrefix("qwen2") { #expect(configuration.queryKeyValueBias && !configuration.outputBias) }
            count += 1
        }
        print("Model folders: \(count) opened")
    }

    @Test("the ends of a response are those of config.json and of generation_config.json, which comes first", arguments: [
        ("2", "2", [2]), ("[3, 4]", "4", [4, 3]), ("[3, 4, 3]", "[5, 3]", [5, 3, 4]), ("null", "[7]", [7]), ("6", "null", [6]), ("6", "[]", [6]),
    ])
    func ends(configuration: String, generation: String, expected: [Int32]) throws {
        try withScratchFolder { folder in
            let source = Self.nano.appendingPathComponent("checkpoint")
            for name in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(at: source.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            let path = folder.appendingPathComponent("config.json")
            let text = try String(contentsOf: path, encoding: .utf8)
            let changed = text.replacingOccurrences(of: "\"eos_token_id\": 2", with: "\"eos_token_id\": \(configuration)")
            try Data(changed.utf8).write(to: path)
            try Data("{\"eos_token_id\": \(generation)}".utf8).write(to: folder.appendingPathComponent("generation_config.json"))
            #expect(try ModelFiles.open(folder.path).configuration.endTokens == expected)
        }
    }

    @Test("a template's end of a turn is an end of a response; that the files do not name it is said")
    func templateEnds() throws {
        let files = try ModelFiles.open(Self.nano.appendingPathComponent("checkpoint").path)  // eos 2, which is <|im_end|>
        let chatML = ChatTemplate.chatML(defaultSystem: nil)
        #expect(ResponseEnds(of: files, template: nil)?.stopTokens.ids == [2])
        #expect(ResponseEnds(of: files, template: chatML) == ResponseEnds(of: files, template: .plain))
        func with(_ ends: [Int32]) -> ModelFiles {
            var configuration = files.configuration
            configuration.endTokens = ends
            return ModelFiles(configuration: configuration, weights: files.weights, tokenizer: files.tokenizer, path: "here")
        }
        let base = try #require(ResponseEnds(of: with([0, 5]), template: chatML))
        #expect(base.stopTokens.ids == [0, 2, 5] && base.taught == 2)
        #expect(base.note?.contains("<|im_end|> (token 2)") == true && base.note?.contains("only 0, 5") == true)
        let plain = try #require(ResponseEnds(of: with([5, 0]), template: .plain))
        #expect(plain.stopTokens.ids == [0, 5] && plain.taught == 5 && plain.note == nil)
        #expect(ResponseEnds(of: with([]), template: chatML)?.stopTokens.ids == [2])
        #expect(ResponseEnds(of: with([]), template: nil) == nil)
    }

    @Test("a written folder opens with the same configuration, weights rounded to bfloat16, and the same tokenizer")
    func writes() throws {
        for folder in try Self.models {
            let files = try ModelFiles.open(folder.appendingPathComponent("checkpoint").path)
            try withScratchFolder { scratch in
                let tensors = try files.configuration.tensorShapes.map { name, shape in
                    (name: name, shape: shape, bits: try files.weights.read(name).map { UInt16($0.bitPattern >> 16) })
                }
                try ModelFolder.write(
                    scratch.path, configuration: files.configuration, tensors: tensors, tokenizer: files.tokenizer,
                    chatTemplate: "{{ messages }}")
                let again = try ModelFiles.open(scratch.path)
                #expect(again.configuration == files.configuration)
                #expect(again.writtenTemplate == (files.tokenizer == nil ? .none : .text("{{ messages }}")))
                for (name, _, bits) in tensors {
                    #expect(try again.weights.read(name).map { UInt16($0.bitPattern >> 16) } == bits)
                }
                #expect(again.tokenizer?.encode("Hello, world") == files.tokenizer?.encode("Hello, world"))
                #expect(throws: ModelFileError.self) { try again.writtenTemplate.recognised(path: "model") }
            }
        }
    }

    @Test("an adapter in PEFT's layout is read, and what is written reads the same")
    func adapters() throws {
        var count = 0
        for folder in try Self.models {
            let configuration = try ModelFiles.open(folder.appendingPathComponent("checkpoint").path).configuration
            let read = try AdapterFolder.read(folder.appendingPathComponent("adapter").path, for: configuration)
            let places = read.configuration.places(layerCount: configuration.layerCount)
            #expect(Set(places.map(\.place)) == Set(read.matrices.keys))
            for (place, strength) in places {
                let rank = Float(strength.rank)
                #expect(read.matrices[place]?.a.count == strength.rank * configuration.extents(of: place.kind).inputs)
                let divisor = read.configuration.rankStabilised ? rank.squareRoot() : rank
                #expect(read.configuration.scaling(of: strength) == strength.alpha / divisor)
            }
            try withScratchFolder { scratch in
                try AdapterFolder.write(
                    scratch.path, configuration: read.configuration, baseModel: "base", model: configuration,
                    matrices: read.matrices)
                let again = try AdapterFolder.read(scratch.path, for: configuration)
                #expect(again.configuration == read.configuration && again.matrices == read.matrices)
            }
            count += 1
        }
        print("Adapters: \(count) read and written")
    }

    @Test("sizes that contradict each other are all named")
    func problems() throws {
        let good = try ModelFiles.open(Self.nano.appendingPathComponent("checkpoint").path).configuration
        #expect(good.problems().isEmpty)
        var bad = good
        (bad.headCount, bad.keyValueHeadCount, bad.headSize, bad.rope.theta) = (4, 3, 7, -1)
        bad.endTokens = [Int32(bad.vocabularySize)]
        #expect(bad.problems().count == 4)
        bad.layerCount = 1 << 40
        #expect(bad.problems().first?.contains("num_hidden_layers is 1099511627776") == true)
    }

    @Test("what is not there is named, with what to do")
    func namesWhatIsMissing() throws {
        #expect(throws: ModelFileError.self) { try ModelFiles.open("/nowhere/at/all") }
        try withScratchFolder { folder in
            let error = #expect(throws: ModelFileError.self) { try ModelFiles.open(folder.path) }
            #expect(error?.description.contains("config.json is missing") == true)
        }
    }
}
