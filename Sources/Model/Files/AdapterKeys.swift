extension KeyTable {
    /// The keys of PEFT's `adapter_config.json`: all fields of `LoraConfig` in PEFT 0.21, and what other versions wrote.
    package static let adapterConfiguration = KeyTable(
        format: "adapter_config.json",
        [
            Entry("peft_type", .honoured, "`LORA` only"),
            Entry("r", .honoured, "the rank where `rank_pattern` gives no other"),
            Entry("lora_alpha", .honoured, "α where `alpha_pattern` gives no other"),
            Entry("use_rslora", .honoured, "scaling α/√r instead of α/r, with the rank and α of each place"),
            Entry(
                "target_modules", .honoured,
                "list of names, ends of paths and full paths; or a regular expression for the full path; or `all-linear`. "
                    + "Modules other than a layer's linear maps are refused"),
            Entry("exclude_modules", .honoured, "list or regular expression; comes before `target_modules`"),
            Entry("layers_to_transform", .honoured, "one layer or a list; not for modules that are listed with their full path"),
            Entry("layers_pattern", .honoured, "what stands before the layer's number in the path"),
            Entry("rank_pattern", .honoured, "regular expressions for an end of the path, the first that matches counts"),
            Entry("alpha_pattern", .honoured, "likewise"),
            Entry(
                "init_lora_weights",
                .refused(
                    unless: [.boolean(true), .boolean(false)] + ["gaussian", "eva", "orthogonal", "mica"].map { JSONValue($0) },
                    advice: convertedAdvice),
                "only kinds that leave the base as it is"),
            Entry("task_type", .harmless, "which class PEFT loads the base into"),
            Entry("auto_mapping", .harmless, "likewise"),
            Entry("base_model_name_or_path", .harmless, "the base is the model that is named beside the adapter"),
            Entry("revision", .harmless, "likewise"),
            Entry("peft_version", .harmless, ""),
            Entry("inference_mode", .harmless, "whether PEFT freezes the adapter"),
            Entry("lora_dropout", .harmless, "of PEFT's training; training here has no dropout"),
            Entry("loftq_config", .harmless, "read only for `init_lora_weights: loftq`"),
            Entry("eva_config", .harmless, "read only while PEFT makes a new adapter"),
            Entry("corda_config", .harmless, "read only for `init_lora_weights: corda`"),
            Entry("lora_ga_config", .harmless, "read only for `init_lora_weights: lora_ga`"),
            Entry("megatron_core", .harmless, "read only with `megatron_config`"),
            Entry("qalora_group_size", .harmless, "read only with `use_qalora`"),
            Entry("runtime_config", .harmless, "where PEFT computes"),
            Entry("ensure_weight_tying", .harmless, "for adapted embeddings and `modules_to_save`, which are refused"),
            Entry(
                "bias", refused(unless: [JSONValue("none")], "\"none\"; train again without biases"),
                "biases trained beside the matrices"),
            Entry("lora_bias", refused(), "a bias of B"),
            Entry("fan_in_fan_out", refused(), "matrices stored transposed"),
            Entry("modules_to_save", refused(unless: [.array([])], mergeAdvice), "modules trained as a whole"),
            Entry("trainable_token_indices", refused(unless: [.array([]), .object([])], mergeAdvice), "rows of the embedding"),
            Entry("target_parameters", refused(unless: [.array([])], mergeAdvice), "parameters that are no module's weight"),
            Entry("layer_replication", refused(unless: [.array([])], mergeAdvice), "layers used more than once"),
            Entry("use_dora", refused(), "magnitude vectors"),
            Entry("use_qalora", refused(), "inputs averaged by groups"),
            Entry("use_bdlora", refused(), "block-diagonal matrices"),
            Entry(
                "alora_invocation_tokens", refused(unless: [.array([])], "an adapter without them, which works on every token"),
                "an adapter that begins at certain tokens"),
            Entry("arrow_config", refused(unless: [], "one adapter without routing"), "routing between adapters"),
            Entry("kasa_config", refused(unless: [], mergeAdvice), "a base without its smallest singular values"),
            Entry("velora_config", refused(unless: []), "another backward"),
            Entry("monteclora_config", refused(unless: []), "random matrices"),
            Entry(
                "megatron_config", refused(unless: [.object([])], "an adapter of a model in Hugging Face's layout"),
                "modules split over processes"),
            // Of earlier versions.
            Entry("enable_lora", refused(unless: [.array([])]), "parts of a joint matrix"),
            Entry("merge_weights", .harmless, "whether PEFT merges for inference"),
        ],
        suspectParts: suspectParts + ["lora", "pattern", "modules", "layers", "target", "rank", "config", "use_"])

    private static let plainAdvice = "an adapter trained without it"
    private static let mergeAdvice =
        "an adapter trained without it; PEFT's merge_and_unload() makes a model of this one with its base"
    private static let convertedAdvice =
        "true, false, gaussian, eva, orthogonal and mica, since the others take a part of the base's weights into the adapter; save it "
        + "as a plain one with PEFT's save_pretrained(path, path_initial_model_for_weight_conversion=folder of the adapter before training)"

    private static func refused(unless neutral: [JSONValue] = [.boolean(false)], _ advice: String = plainAdvice) -> Treatment {
        .refused(unless: neutral, advice: advice)
    }
}
