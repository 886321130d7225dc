extension KeyTable {
    /// The metadata of a GGUF file, as llama.cpp treats its keys; `{arch}` is llama or qwen2.
    package static let gguf = KeyTable(format: "GGUF", general + sizes + attention + rotary + scales + experts + otherModels + tokenizer)

    /// The table's name of a key: `{arch}.…` for those that begin with the model's architecture.
    static func ggufName(of key: String, architecture: String?) -> String {
        guard let architecture, key.hasPrefix(architecture + ".") else { return key }
        return "{arch}" + key.dropFirst(architecture.count)
    }

    private static let general: [Entry] = [
        Entry("general.architecture", .honoured, "llama or qwen2"),
        Entry("general.alignment", .honoured, "where tensors begin; 32 when absent"),
        Entry(
            "general.type", .refused(unless: [JSONValue("model")], advice: "\"model\""),
            "an adapter or other things may lie in such a file"),
        Entry("general.*", .harmless, "names, origin, licence, type of file, advice on sampling"),
        Entry("split.count", .honoured, "one file"),
        Entry("split.*", .harmless, "of models in several files"),
        Entry("quantize.*", .harmless, "how the file was made"),
        Entry("mradermacher.*", .harmless, "likewise"),
        Entry("imatrix.*", .harmless, "likewise"),
        Entry("training.*", .harmless, "likewise"),
    ]

    private static let sizes: [Entry] = [
        Entry("{arch}.vocab_size", .honoured, "the rows of the embedding when absent"),
        Entry("{arch}.context_length", .honoured, "required"),
        Entry("{arch}.embedding_length", .honoured, "required"),
        Entry("{arch}.block_count", .honoured, "required"),
        Entry("{arch}.feed_forward_length", .honoured, "required, the same for every layer"),
        Entry("{arch}.embedding_length_out", .refused(unless: [], advice: "logits from the embedding's width"), "a projection at the end"),
        Entry("{arch}.features_length", .refused(unless: [], advice: "models of text"), ""),
        Entry("{arch}.leading_dense_block_count", .refused(unless: [.integer(0)], advice: "models without experts"), ""),
        Entry("{arch}.use_parallel_residual", .refused(unless: [.boolean(false)], advice: "false"), "attention beside the MLP"),
        Entry(
            "{arch}.tensor_data_layout", .refused(unless: [JSONValue("Meta AI original pth")], advice: "\"Meta AI original pth\""),
            "the order of rows that llama.cpp expects of llama"),
        Entry("{arch}.pooling_type", .harmless, "how embeddings of texts are made"),
        Entry("{arch}.decoder_start_token_id", .harmless, "of encoder-decoder models"),
        Entry("{arch}.decoder_block_count", .refused(unless: [.integer(0)], advice: "models of one stack"), "likewise"),
        Entry("{arch}.nextn_predict_layers", .refused(unless: [.integer(0)], advice: "0"), "layers that predict several tokens"),
        Entry("{arch}.n_deepstack_layers", .refused(unless: [.integer(0)], advice: "0"), "a model that sees"),
        Entry("{arch}.classifier.output_labels", .harmless, "names of a classifier's outputs; its tensors are refused"),
    ]

    private static let attention: [Entry] = [
        Entry("{arch}.attention.head_count", .honoured, "required, the same for every layer"),
        Entry("{arch}.attention.head_count_kv", .honoured, "as `head_count` when absent"),
        Entry("{arch}.attention.key_length", .honoured, "the width of a head; `embedding_length` / `head_count` when absent"),
        Entry("{arch}.attention.value_length", .honoured, "as `key_length`"),
        Entry("{arch}.attention.layer_norm_rms_epsilon", .honoured, "required"),
        Entry("{arch}.attention.layer_norm_epsilon", .refused(unless: [], advice: "models with RMSNorm"), "another normalisation"),
        Entry("{arch}.attention.group_norm_*", .refused(unless: [], advice: "models with RMSNorm"), "likewise"),
        Entry("{arch}.attention.causal", .refused(unless: [.boolean(true)], advice: "true"), ""),
        Entry("{arch}.attention.sliding_window", .refused(unless: [.integer(0)], advice: "0"), "attention to the last tokens only"),
        Entry("{arch}.attention.sliding_window_pattern", .refused(unless: [.integer(0)], advice: "0"), "likewise"),
        Entry(
            "{arch}.attention.scale", .refused(unless: [.integer(0)], advice: "models that scale by 1/√key_length"),
            "scale of the scores"),
        Entry("{arch}.attention.output_scale", .refused(unless: [.integer(0)], advice: "models without it"), ""),
        Entry("{arch}.attention.temperature_*", .refused(unless: [.integer(0)], advice: "models without it"), "scale by position"),
        Entry("{arch}.attention.clamp_kqv", .refused(unless: [.integer(0)], advice: "0"), "bounds of queries, keys and values"),
        Entry("{arch}.attention.max_alibi_bias", .refused(unless: [.integer(0)], advice: "0"), "positions by bias instead of rotation"),
        Entry("{arch}.attn_logit_softcapping", .refused(unless: [.integer(0)], advice: "0"), "soft cap of the scores"),
        Entry("{arch}.attention.shared_kv_layers", .refused(unless: [.integer(0)], advice: "0"), "layers with the keys of others"),
        Entry(
            "{arch}.attention.*", .refused(unless: [], advice: "the attention of Llama and Qwen2"),
            "the rest: `_mla`, `_swa`, LoRA ranks, indexer…"),
    ]

    private static let rotary: [Entry] = [
        Entry("{arch}.rope.freq_base", .honoured, "10000 when absent"),
        Entry("{arch}.rope.dimension_count", .honoured, "as `attention.key_length`"),
        Entry("{arch}.rope.scaling.type", .honoured, "none or linear; linear when absent. yarn and longrope are refused"),
        Entry("{arch}.rope.scaling.factor", .honoured, "all frequencies are divided by it unless the type is none; 0 and absent mean 1"),
        Entry("{arch}.rope.scale_linear", .honoured, "the old name of `rope.scaling.factor`, which goes before it"),
        Entry("{arch}.rope.scaling.attn_factor", .honoured, "multiplies the rotation of queries and of keys, with every type"),
        Entry("{arch}.rope.scaling.original_context_length", .harmless, "of yarn and longrope"),
        Entry("{arch}.rope.scaling.finetuned", .harmless, "whether the model was trained with its scaling"),
        Entry("{arch}.rope.scaling.yarn_ext_factor", .refused(unless: [.integer(0), .integer(-1)], advice: "0"), "turns yarn on"),
        Entry("{arch}.rope.scaling.yarn_attn_factor", .refused(unless: [.integer(1), .integer(-1)], advice: "1"), "another `attn_factor`"),
        Entry("{arch}.rope.scaling.yarn_*", .harmless, "of yarn"),
        Entry(
            "{arch}.rope.scaling.alpha", .refused(unless: [.integer(0), .integer(1)], advice: "models without it"),
            "another scale of `freq_base`"),
        Entry("{arch}.rope.dimension_sections", .refused(unless: [], advice: "one position per token"), "positions in several dimensions"),
        Entry("{arch}.rope.*", .refused(unless: [], advice: "the keys above"), "any other, such as those of layers with a window"),
    ]

    private static let scales: [Entry] = [
        Entry("{arch}.logit_scale", .refused(unless: [.integer(0), .integer(1)], advice: "1"), ""),
        Entry("{arch}.final_logit_softcapping", .refused(unless: [.integer(0)], advice: "0"), "soft cap of the logits"),
        Entry("{arch}.router_logit_softcapping", .refused(unless: [.integer(0)], advice: "0"), "likewise, of experts"),
        Entry("{arch}.residual_scale", .refused(unless: [.integer(0), .integer(1)], advice: "1"), ""),
        Entry("{arch}.embedding_scale", .refused(unless: [.integer(0), .integer(1)], advice: "1"), ""),
        Entry("{arch}.activation_sparsity_scale", .refused(unless: [], advice: "models without it"), ""),
        Entry("{arch}.rescale_every_n_layers", .refused(unless: [.integer(0)], advice: "0"), ""),
        Entry("{arch}.swin_norm", .refused(unless: [.boolean(false)], advice: "false"), "norms after the blocks"),
        Entry("{arch}.swiglu_clamp_*", .refused(unless: [.integer(0)], advice: "0"), "bounds in the MLP"),
    ]

    private static let experts: [Entry] = [
        Entry("{arch}.expert_*", .refused(unless: [.integer(0)], advice: "models without experts"), "mixture of experts"),
        Entry("{arch}.experts_*", .refused(unless: [.integer(0)], advice: "models without experts"), "likewise"),
        Entry("{arch}.moe_*", .refused(unless: [.integer(0)], advice: "models without experts"), "likewise"),
        Entry("{arch}.interleave_moe_layer_step", .refused(unless: [.integer(0)], advice: "models without experts"), "likewise"),
    ]

    private static let otherModels: [Entry] = [
        ("{arch}.full_attention_interval", "layers of several kinds"), ("{arch}.time_*", "RWKV"), ("{arch}.token_shift_count", "RWKV"),
        ("{arch}.wkv.*", "RWKV"), ("{arch}.ssm.*", "state space models"), ("{arch}.kda.*", "linear attention"),
        ("{arch}.altup.*", "Gemma 3n"),
        ("{arch}.embedding_length_per_layer_input", "Gemma 3n"), ("{arch}.shortconv.*", "LFM2"), ("{arch}.posnet.*", "models of sound"),
        ("{arch}.convnext.*", "models of sound"), ("{arch}.dense_*", "models of embeddings"), ("clip.*", "models that see or hear"),
        ("adapter.*", "adapters"), ("diffusion.*", "diffusion models"), ("xielu.*", "Apertus"),
    ].map { Entry($0.0, .refused(unless: [], advice: "plain models of architecture llama or qwen2"), $0.1) }

    private static let tokenizer: [Entry] =
        [
            Entry("tokenizer.ggml.model", .honoured, "gpt2 or llama"),
            Entry("tokenizer.ggml.pre", .honoured, "of kind gpt2"),
            Entry("tokenizer.ggml.tokens", .honoured, "required"),
            Entry("tokenizer.ggml.token_type", .honoured, ""),
            Entry("tokenizer.ggml.scores", .honoured, "of kind llama"),
            Entry("tokenizer.ggml.merges", .honoured, "of kind gpt2"),
            Entry("tokenizer.ggml.bos_token_id", .honoured, ""),
            Entry("tokenizer.ggml.eos_token_id", .honoured, ""),
            Entry("tokenizer.ggml.eot_token_id", .honoured, "ends a response as well"),
            Entry("tokenizer.ggml.eom_token_id", .honoured, "ends a response as well"),
            Entry("tokenizer.ggml.unknown_token_id", .honoured, "of kind llama"),
            Entry("tokenizer.ggml.add_bos_token", .honoured, ""),
            Entry("tokenizer.ggml.add_eos_token", .honoured, ""),
            Entry("tokenizer.ggml.add_space_prefix", .honoured, "of kind llama; llama.cpp ignores it with gpt2"),
            Entry("tokenizer.ggml.add_sep_token", .refused(unless: [.boolean(false)], advice: "false"), "a token between texts"),
            Entry("tokenizer.ggml.remove_extra_whitespaces", .refused(unless: [.boolean(false)], advice: "false"), "blanks taken out"),
            Entry(
                "tokenizer.ggml.precompiled_charsmap", .refused(unless: [.array([])], advice: "models without it"),
                "SentencePiece's replacements"),
            Entry("tokenizer.chat_template", .honoured, "recognised, not executed"),
            Entry("tokenizer.chat_template.*", .harmless, "further templates, for tools and the like"),
            Entry("tokenizer.chat_templates", .honoured, "their names, for messages"),
            Entry("tokenizer.ggml.token_type_count", .harmless, "of BERT"),
            Entry("tokenizer.ggml.added_tokens", .harmless, "`token_type` says which tokens were added"),
            Entry("tokenizer.huggingface.json", .harmless, "llama.cpp does not read it either"),
            Entry("tokenizer.rwkv.world", .harmless, "of RWKV"),
        ]
        + [
            "padding_token_id", "seperator_token_id", "cls_token_id", "mask_token_id", "fim_*", "prefix_token_id",
            "suffix_token_id", "middle_token_id",
        ].map { Entry("tokenizer.ggml.\($0)", .harmless, "a token for other uses") }
}
