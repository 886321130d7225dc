package import Model

/// Two replies to one prompt, and which of them is preferred.
package struct Preference: Sendable, Equatable {
    package var prompt: [ChatMessage]
    package var chosen, rejected: String
    /// Where its file has it, from 1.
    package var line: Int
}

/// Preferences from JSON Lines: `{prompt, chosen, rejected}`, each a text or a conversation.
package enum PreferenceFile {
    private static let kind = "preferences"

    /// Each preference as a problem whose solution is the chosen reply.
    package static func problems(_ path: String) throws(DataFileError) -> [Problem] {
        try read(path).enumerated().map { index, preference in
            var problem = Problem(
                messages: preference.prompt, solution: preference.chosen, answer: nil, line: preference.line, id: "\(index)")
            problem.rejected = preference.rejected
            return problem
        }
    }

    package static func read(_ path: String) throws(DataFileError) -> [Preference] { try JSONLines.read(path, kind: kind, preference) }

    package static func parse(_ bytes: [UInt8], path: String) throws(DataFileError) -> [Preference] {
        try JSONLines.parse(bytes, path: path, kind: kind, preference)
    }

    private static func preference(_ record: JSONRecord, line: Int) throws(JSONRecord.Fault) -> Preference {
        Preference(
            prompt: try record.conversation("prompt"), chosen: try record.reply("chosen"), rejected: try record.reply("rejected"), line: line)
    }
}
