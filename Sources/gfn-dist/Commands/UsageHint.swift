/// What ArgumentParser's words on a call that it cannot read leave out: which command or setting may have been meant.
enum UsageHint {
    /// The commands that take settings.
    private static let withSettings: Set = ["train", "sample", "evaluate", "score", "reward", "verify", "plan", "doctor"]

    /// - Parameters:
    ///   - message: what ArgumentParser says.
    ///   - words: of the call, without the program's name.
    ///   - commands: all that there are.
    /// - Returns: the message, with the command or the settings that are like what was written.
    static func improved(_ message: String, words: [String], commands: [String]) -> String {
        guard let first = words.first else { return message }
        // ArgumentParser names whatever it could not place, be it this word, others too, or only an option behind it.
        if !first.hasPrefix("-"), !commands.contains(first), first != "help", let error = message.firstMatch(of: #/Error: [^\n]*/#) {
            let nearest = commands.min { editDistance($0, first) < editDistance($1, first) } ?? ""
            let isLike = editDistance(nearest, first) <= max(2, first.count / 3)
            return message.replacing(
                error.output,
                with: "Error: There is no command '\(first)'" + (isLike ? "; did you mean '\(nearest)'?" : "; gfn-dist --help lists them"))
        }
        guard withSettings.contains(first), let match = message.firstMatch(of: #/Unknown option '--([a-z0-9-]+)'(\. Did you mean '[^']*'\?)?/#)
        else { return message }
        let name = match.output.1.replacing("-", with: "_")
        let meant = Setting.all.map(\.name).filter { $0 == name || $0.hasSuffix(".\(name)") }
        guard !meant.isEmpty else { return message }
        let shown = meant.prefix(3).map { "--set \($0)=…" }.joined(separator: " or ")
        return message.replacing(match.output.0, with: "Unknown option '--\(match.output.1)'; it is a setting: \(shown)")
    }
}
