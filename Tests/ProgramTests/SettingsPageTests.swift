import Foundation
import Learner
import Testing

@testable import gfn_dist

extension ProgramTests {
    @Suite("docs/settings.md")
    struct SettingsPage {
        @Test("the table has every setting, with its values, default, meaning and part in a resume, in the order of the program")
        func table() throws {
            let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            let page = try String(contentsOf: root.appendingPathComponent("docs/settings.md"), encoding: .utf8)
            let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
            let expected = Setting.all.map(Self.row)
            #expect(expected.count > 40)
            for row in expected where !rows.contains(row) { Issue.record("docs/settings.md needs the line\n\(row)") }
            let isSame = rows == expected
            #expect(isSame, "docs/settings.md has a line too many or in another place")
        }

        private static func row(of setting: Setting) -> String {
            let fallback = setting.fallback.isEmpty ? "" : "`\(setting.fallback)`"
            let resume = setting.changesWeights ? "" : "free"
            return "| `\(setting.name)` | \(values(of: setting.kind)) | \(fallback) | \(setting.summary) | \(resume) |"
        }

        private static func values(of kind: SettingKind) -> String {
            switch kind {
            case .integer(let range, let words):
                switch range.upperBound {
                case 1_000_000_000: "integer ≥ \(range.lowerBound)\(alternatives(words))"
                case Int.max: "integer \(range.lowerBound)…2⁶³−1\(alternatives(words))"
                default: "integer \(range.lowerBound)…\(range.upperBound)\(alternatives(words))"
                }
            case .number(let range, let word): "number \(text(range.lowerBound))…\(text(range.upperBound))\(alternative(word))"
            case .choice(let choices): choices.joined(separator: ", ")
            case .size(let word): "size\(alternative(word))"
            case .text: "text"
            }
        }

        private static func alternative(_ word: String?) -> String { alternatives(word.map { [$0] } ?? []) }

        private static func alternatives(_ words: [String]) -> String { words.isEmpty ? "" : ", or " + words.joined(separator: " or ") }

        private static func text(_ number: Double) -> String {
            let text = "\(number)"
            return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        }
    }
}
