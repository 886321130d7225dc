internal import ArgumentParser
internal import Foundation
internal import Model

struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Text to token ids and back, and conversations by a model's chat template.",
        usage: """
            gfn-dist tokenize texts.jsonl --model model.gguf > ids.jsonl
            gfn-dist tokenize --decode --model base/ < ids.jsonl
            gfn-dist tokenize conversations.jsonl --chat --model base/tokenizer.json --chat-template chatml
            """,
        discussion: """
                JSON Lines in and out: {text} becomes {ids}; {ids} becomes {text}; {messages} becomes {text, ids}. \
                The model may be a tokenizer.json alone.
                """)

    @Argument(help: ArgumentHelp("JSON Lines; - or nothing: standard input.", valueName: "file"))
    var input: String?
    @OptionGroup var settings: SettingOptions
    @Flag(name: .long, help: "From ids to text.")
    var decode = false
    @Flag(name: .long, help: "Render conversations.")
    var chat = false
    @Option(
        name: .long, help: ArgumentHelp("auto: the model's own; or \(ChatTemplate.settings).", valueName: "name"))
    var chatTemplate: String?
    @Flag(name: .long, help: "With --chat: end with the head of the assistant's turn.")
    var addGenerationPrompt = false
    @Flag(name: .long, help: "Put the model's begin and end tokens around a text.")
    var addSpecial = false
    @Flag(inversion: .prefixedNo, help: "Read <|im_end|> in a text as that token: yes for texts, no for messages.")
    var parseSpecial: Bool?
    @Flag(name: .long, help: "With --decode: leave special tokens out.")
    var skipSpecial = false
    @Option(name: .long, help: ArgumentHelp("File to write; otherwise standard output.", valueName: "file"))
    var output: String?

    func validate() throws {
        if decode && chat { throw ValidationError("--decode and --chat exclude each other") }
        for (isGiven, flag, isFitting, other) in [
            (addSpecial, "--add-special", !decode && !chat, "texts (a chat template has its own begin token)"),
            (skipSpecial, "--skip-special", decode, "--decode"), (addGenerationPrompt, "--add-generation-prompt", chat, "--chat"),
            (parseSpecial != nil, "--parse-special", !decode, "texts and --chat"),
        ] where isGiven && !isFitting {
            throw ValidationError("\(flag) is for \(other)")
        }
    }

    func run() throws {
        Launch.perform(ranks: 1) { _ in
            let layers = try layers()
            // Before the model, which takes longer to read.
            _ = try LineReader(input)
            let path = layers.values["model"] ?? ""
            let model = try TextModel.open(path.isEmpty ? EmbeddedResources.baseModelPath : path)
            let template = chat ? try template(of: model, layers.values["data.chat_template"] ?? "auto") : nil
            if let note = template?.note, !settings.quiet { writeToStandardError(note + "\n") }
            let run = TokenizeRun(model: model, mode: mode, template: template)
            let summary = try run.run(from: input, to: output)
            if !settings.quiet { writeToStandardError(summary.sentence + "\n") }
        }
    }

    private var mode: TokenizeMode {
        if decode { return .decode(skippingSpecial: skipSpecial) }
        if chat { return .chat(addingPrompt: addGenerationPrompt, parsingSpecial: parseSpecial ?? false) }
        return .encode(addingSpecial: addSpecial, parsingSpecial: parseSpecial ?? true)
    }

    private func template(of model: TextModel, _ setting: String) throws -> ChatTemplate {
        guard setting == "auto" || ChatTemplate(setting: setting) != nil else {
            throw RunError.configuration("data.chat_template is '\(setting)', expected auto or one of \(ChatTemplate.settings)")
        }
        return try model.chatTemplate(setting: setting)
    }

    /// Defaults, the file of settings and the command line, laid over each other.
    private func layers() throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        try settings.layFile(over: &layers)
        settings.layFlags(over: &layers)
        if let chatTemplate { layers.set("data.chat_template", to: chatTemplate, from: .flag("chat-template")) }
        try layers.check()
        return layers
    }
}
