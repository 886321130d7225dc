import Foundation
import Testing

@testable import Model

/// What `adapter_config.json` selects. The expected places are those of PEFT 0.21.2 on a Llama of 12 layers.
@Suite("Adapter settings select what PEFT selects")
struct AdapterSelectionTests {
    static let layerCount = 12

    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let settings: String
        /// By layers with equal adapters: each module's rank and alpha.
        let places: String

        init(_ name: String, _ settings: String, _ places: String) {
            (testDescription, self.settings, self.places) = (name, settings, places)
        }
    }

    static let cases = [
        Case(
            "names",
            #""target_modules": ["q_proj", "v_proj"]"#,
            "0-11: q 4/8 v 4/8"),
        Case(
            "ends of paths",
            #""target_modules": ["self_attn.q_proj", "mlp.down_proj"]"#,
            "0-11: q 4/8 down 4/8"),
        Case(
            "full paths",
            #""target_modules": ["model.layers.1.self_attn.q_proj", "model.layers.11.mlp.up_proj"]"#,
            "1: q 4/8; 11: up 4/8"),
        Case(
            "full paths and names",
            #""target_modules": ["model.layers.1.self_attn.q_proj", "v_proj"], "layers_to_transform": [3]"#,
            "1: q 4/8; 3: v 4/8"),
        Case(
            "everything linear",
            #""target_modules": "all-linear""#,
            "0-11: q 4/8 k 4/8 v 4/8 o 4/8 gate 4/8 up 4/8 down 4/8"),
        Case(
            "everything linear, in other letters, without some",
            #""target_modules": "All-Linear", "exclude_modules": ["q_proj", "mlp.up_proj", "model.layers.3.self_attn.k_proj"]"#,
            "0-2: k 4/8 v 4/8 o 4/8 gate 4/8 down 4/8; 3: v 4/8 o 4/8 gate 4/8 down 4/8; 4-11: k 4/8 v 4/8 o 4/8 gate 4/8 down 4/8"),
        Case(
            "an expression",
            #""target_modules": ".*\\.(q|v)_proj""#,
            "0-11: q 4/8 v 4/8"),
        Case(
            "an expression has to match the whole path",
            #""target_modules": "model\\.layers\\.1.*q_proj""#,
            "1: q 4/8; 10-11: q 4/8"),
        Case(
            "an expression with look-ahead",
            #""target_modules": "model\\.layers\\.(?!1)\\d\\.mlp\\.(?:up|down)_proj""#,
            "0: up 4/8 down 4/8; 2-9: up 4/8 down 4/8"),
        Case(
            "an expression with a named group and flags",
            #""target_modules": "(?i).*\\.(?P<kind>[KQ])_PROJ""#,
            "0-11: q 4/8 k 4/8"),
        Case(
            "an expression without what another matches",
            #""target_modules": ".*(q|v)_proj", "exclude_modules": ".*\\.layers\\.([2-9]|1\\d)\\..*""#,
            "0-1: q 4/8 v 4/8"),
        Case(
            "an excluding expression has to match the whole path",
            #""target_modules": ["q_proj", "v_proj"], "exclude_modules": "v_proj|layers\\.1""#,
            "0-11: q 4/8 v 4/8"),
        Case(
            "one layer",
            #""target_modules": ["q_proj", "v_proj"], "layers_to_transform": 2"#,
            "2: q 4/8 v 4/8"),
        Case(
            "some layers, one that is not there and one twice",
            #""target_modules": ["q_proj", "v_proj"], "layers_to_transform": [0, 2, 2, 40]"#,
            "0: q 4/8 v 4/8; 2: q 4/8 v 4/8"),
        Case(
            "no choice of layers",
            #""target_modules": ["k_proj"], "layers_to_transform": [], "layers_pattern": []"#,
            "0-11: k 4/8"),
        Case(
            "what stands before the layer's number",
            #""target_modules": ["q_proj", "v_proj"], "layers_to_transform": [1], "layers_pattern": "layers""#,
            "1: q 4/8 v 4/8"),
        Case(
            "several names before the layer's number",
            #""target_modules": ["q_proj", "v_proj"], "layers_to_transform": [1, 10], "layers_pattern": ["h", "model.layers"]"#,
            "1: q 4/8 v 4/8; 10: q 4/8 v 4/8"),
        Case(
            "alternatives before the number end the expression",
            #""target_modules": ["q_proj", "model.layers.4.mlp.up_proj"], "layers_to_transform": [1], "layers_pattern": "x|layers""#,
            "4: up 4/8"),
        Case(
            "alternatives in a group before the number",
            #""target_modules": ["q_proj", "v_proj"], "layers_to_transform": [1], "layers_pattern": "(x|layers)""#,
            "1: q 4/8 v 4/8"),
        Case(
            "ranks and alphas by name",
            #""target_modules": ["q_proj", "down_proj"], "rank_pattern": {"down_proj": 8}, "alpha_pattern": {"self_attn.q_proj": 3}"#,
            "0-11: q 4/3 down 8/8"),
        Case(
            "ranks by path",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"model.layers.1.self_attn.q_proj": 2,"#
                + #" "layers.11.self_attn.v_proj": 3}"#,
            "0: q 4/8 v 4/8; 1: q 2/8 v 4/8; 2-10: q 4/8 v 4/8; 11: q 4/8 v 3/8"),
        Case(
            "a part of a name is none",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"_proj": 9, "proj": 9, "layers.1": 9, "q_pro": 9}"#,
            "0-11: q 4/8 v 4/8"),
        Case(
            "the first expression that matches counts",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"layers\\.[2-9]\\..*": 2, "q_proj": 3, ".*": 5}"#,
            "0-1: q 3/8 v 5/8; 2-9: q 2/8 v 2/8; 10-11: q 3/8 v 5/8"),
        Case(
            "expressions with a beginning",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"^q_proj": 9,"#
                + #" "^model.layers.1.self_attn.q_proj": 2}, "alpha_pattern": {"^model\\.layers\\.1.*": 24}"#,
            "0: q 4/8 v 4/8; 1: q 2/24 v 4/24; 2-9: q 4/8 v 4/8; 10-11: q 4/24 v 4/24"),
        Case(
            "expressions with alternatives",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"q_proj|v_proj": 2},"#
                + #" "alpha_pattern": {"[02]\\.self_attn\\.(v|q)_proj": 1}"#,
            "0: q 2/1 v 2/1; 1: q 2/8 v 2/8; 2: q 2/1 v 2/1; 3-11: q 2/8 v 2/8"),
        Case(
            "a point is any character",
            #""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"layers.1..self_attn.q_proj": 2}"#,
            "0-9: q 4/8 v 4/8; 10-11: q 2/8 v 4/8"),
    ]

    private static let shortNames: [LinearKind: String] = [
        .query: "q", .key: "k", .value: "v", .output: "o", .gate: "gate", .up: "up", .down: "down",
    ]

    /// Reads settings beside a rank of 4 and an alpha of 8.
    private static func read(_ settings: String, layerCount: Int = layerCount) throws -> AdapterConfiguration {
        let text = "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \(settings)}"
        let fields = try JSONFields(try Data(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "a") }, path: "a")
        return try AdapterFolder.readConfiguration(fields, layerCount: layerCount)
    }

    private static func describe(_ configuration: AdapterConfiguration) -> String {
        var layers = [[String]](repeating: [], count: layerCount)
        for (place, strength) in configuration.places(layerCount: layerCount) {
            layers[place.layer].append("\(shortNames[place.kind] ?? "") \(strength.rank)/\(Int(strength.alpha))")
        }
        var parts: [String] = [], start = 0
        for end in 1...layerCount where end == layerCount || layers[end] != layers[start] {
            if !layers[start].isEmpty {
                parts.append("\(start)\(end - 1 > start ? "-\(end - 1)" : ""): \(layers[start].joined(separator: " "))")
            }
            start = end
        }
        return parts.joined(separator: "; ")
    }

    @Test("the places, ranks and alphas of PEFT", arguments: cases)
    func selection(of example: Case) throws {
        #expect(Self.describe(try Self.read(example.settings)) == example.places)
    }

    @Test("what is written is read as the same adapter", arguments: cases)
    func writing(of example: Case) throws {
        let configuration = try Self.read(example.settings + ", \"use_rslora\": true")
        let model = TransformerConfiguration(
            hiddenSize: 2, intermediateSize: 3, layerCount: Self.layerCount, headCount: 1, keyValueHeadCount: 1, headSize: 2,
            vocabularySize: 4, contextLength: 8, endTokens: [])
        var matrices: [AdapterPlace: AdapterMatrices] = [:]
        for (index, (place, strength)) in configuration.places(layerCount: Self.layerCount).enumerated() {
            let (outputs, inputs) = model.extents(of: place.kind)
            matrices[place] = AdapterMatrices(
                a: [Float](repeating: Float(index), count: strength.rank * inputs),
                b: [Float](repeating: -Float(index), count: outputs * strength.rank))
        }
        try withScratchFolder { folder in
            try AdapterFolder.write(folder.path, configuration: configuration, baseModel: "base", model: model, matrices: matrices)
            let again = try AdapterFolder.read(folder.path, for: model)
            #expect(again.configuration == configuration && again.matrices == matrices)
        }
    }

    struct Refusal: CustomTestStringConvertible {
        let settings: String
        /// What the message has to say.
        let says: [String]
        var testDescription: String { settings }

        init(_ settings: String, _ says: String...) { (self.settings, self.says) = (settings, says) }
    }

    private static let names = #""target_modules": ["q_proj"]"#

    @Test(
        "what cannot be followed is refused by name, with what to do",
        arguments: [
            Refusal(#""target_modules": ["q_proj", "lm_head"]"#, "target_modules", "lm_head", "q_proj, k_proj"),
            Refusal(#""target_modules": ["embed_tokens"]"#, "target_modules", "model.embed_tokens"),
            Refusal(#""target_modules": ".*""#, "target_modules", "lm_head"),
            Refusal(#""target_modules": ["q_proj", "c_attn"]"#, "target_modules", "c_attn"),
            Refusal(#""target_modules": []"#, "target_modules", "at least one"),
            Refusal(#""target_modules": null"#, "target_modules is missing", "q_proj"),
            Refusal(#""target_modules": "q_proj""#, "target_modules", "q_proj", "selects none"),
            Refusal(#""target_modules": ["q_proj"], "exclude_modules": ["q_proj"]"#, "selects none", "exclude_modules"),
            Refusal(#""target_modules": ["q_proj"], "layers_to_transform": [12]"#, "selects none", "layers_to_transform"),
            Refusal(#""target_modules": ["q_proj"], "layers_to_transform": ["1"]"#, "layers_to_transform", "numbers"),
            Refusal(#""target_modules": ".*q_proj", "layers_to_transform": [1]"#, "layers_to_transform", "target_modules is a string"),
            Refusal(#""target_modules": "all-linear", "layers_pattern": "layers""#, "layers_pattern", "target_modules is a string"),
            Refusal(#""target_modules": ["q_proj"], "layers_pattern": "layers""#, "layers_to_transform", "layers_pattern"),
            Refusal(#""target_modules": ["q_proj"], "rank_pattern": {"q_proj": 0}"#, "rank_pattern.q_proj", "1 to 65536"),
            Refusal(#""target_modules": ["q_proj"], "rank_pattern": {"q_proj": 2.5}"#, "rank_pattern.q_proj", "integer"),
            Refusal(#""target_modules": ["q_proj"], "alpha_pattern": {"q_proj": "8"}"#, "alpha_pattern.q_proj", "number"),
            Refusal(#""target_modules": ["q_proj"], "rank_pattern": {"(q_proj": 2}"#, "rank_pattern", "(q_proj", "regular expression"),
            Refusal(#""target_modules": ".*)|(.*q_proj""#, "target_modules", "regular expression"),
            Refusal(#""target_modules": "(.*)(?(1)q|v)_proj""#, "target_modules", "(?(", "list the modules"),
            Refusal(#""target_modules": "[[:alpha:].]*q_proj""#, "target_modules", "within a set"),
            Refusal(#""target_modules": "\\p{L}.*q_proj""#, "target_modules", #"\p"#),
            Refusal(#""target_modules": "((([a-z._0-9]*)*)*)*[0-9]x""#, "target_modules", "quick to match"),
        ])
    func refusals(of example: Refusal) throws {
        let error = try #require(throws: ModelFileError.self) { try Self.read(example.settings) }
        for part in example.says { #expect("\(error)".contains(part), "\(error)") }
    }

    @Test(
        "features of PEFT that change the result are refused by name",
        arguments: [
            #""init_lora_weights": "pissa""#, #""init_lora_weights": "pissa_niter_16""#, #""init_lora_weights": "olora""#,
            #""init_lora_weights": "OLoRA""#, #""init_lora_weights": "corda""#, #""init_lora_weights": "loftq""#,
            #""init_lora_weights": "lora_ga""#, #""init_lora_weights": "another""#, #""use_dora": true"#, #""lora_bias": true"#,
            #""bias": "all""#, #""bias": "lora_only""#, #""fan_in_fan_out": true"#, #""modules_to_save": ["lm_head"]"#,
            #""trainable_token_indices": [1]"#, #""trainable_token_indices": {"embed_tokens": [1]}"#,
            #""target_parameters": ["a.b"]"#, #""layer_replication": [[0, 2]]"#, #""use_qalora": true"#,
            #""use_bdlora": {"nblocks": 2}"#, #""alora_invocation_tokens": [1]"#, #""arrow_config": {"top_k": 2}"#,
            #""kasa_config": {"beta": 1}"#, #""velora_config": {"num_groups": 2}"#, #""monteclora_config": {"num_samples": 2}"#,
            #""megatron_config": {"a": 1}"#, #""use_something_new": true"#, #""something_config": {"a": 1}"#,
            #""lora_something": 3"#,
        ])
    func features(setting: String) throws {
        let error = try #require(throws: ModelFileError.self) { try Self.read("\(Self.names), \(setting)") }
        let key = String(setting.split(separator: "\"")[0])
        #expect("\(error)".contains("a: \(key) is") && "\(error)".contains("supported: "), "\(error)")
        if key == "init_lora_weights" { #expect("\(error)".contains("path_initial_model_for_weight_conversion"), "\(error)") }
    }

    @Test(
        "what changes nothing is passed over",
        arguments: [
            #""init_lora_weights": false"#, #""init_lora_weights": "gaussian""#, #""init_lora_weights": "eva","#
                + #" "eva_config": {"rho": 2.0}"#,
            #""init_lora_weights": "orthogonal""#, #""init_lora_weights": "mica""#, #""init_lora_weights": null"#,
            #""loftq_config": {"loftq_bits": 4}"#, #""loftq_config": {}"#, #""corda_config": null"#, #""bias": "none""#,
            #""modules_to_save": []"#, #""trainable_token_indices": []"#, #""megatron_config": null"#, #""lora_dropout": 0.1"#,
            #""runtime_config": {"ephemeral_gpu_offload": false}"#, #""peft_version": "0.99""#, #""use_something_new": false"#,
            #""something_config": null"#, #""something_config": {}"#, #""remark": "mine""#, #""use_dora": null"#,
        ])
    func harmless(setting: String) throws {
        #expect(try Self.read("\(Self.names), \(setting)") == Self.read(Self.names))
    }

    /// The fields of `LoraConfig` in PEFT 0.21.2, as `dataclasses.fields` lists them.
    @Test("every field of PEFT's LoraConfig is in the table")
    func table() {
        let fields = """
            task_type peft_type auto_mapping peft_version base_model_name_or_path revision inference_mode r target_modules
            exclude_modules lora_alpha lora_dropout fan_in_fan_out bias use_rslora modules_to_save init_lora_weights
            layers_to_transform layers_pattern rank_pattern alpha_pattern megatron_config megatron_core trainable_token_indices
            loftq_config eva_config corda_config lora_ga_config use_dora velora_config alora_invocation_tokens use_qalora
            qalora_group_size monteclora_config layer_replication runtime_config lora_bias target_parameters use_bdlora
            arrow_config kasa_config ensure_weight_tying
            """
        let missing = fields.split(whereSeparator: \.isWhitespace).filter { KeyTable.adapterConfiguration.entry(of: String($0)) == nil }
        #expect(missing.isEmpty)
    }
}
