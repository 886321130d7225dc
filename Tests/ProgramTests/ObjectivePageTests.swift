import Foundation
import Learner
import Testing

extension ProgramTests {
    @Suite("docs/objectives.md, docs/add-an-objective.md and docs/add-a-reward.md")
    struct ObjectivePages {
        private static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }

        private static func text(_ path: String) throws -> String {
            try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        }

        @Test("the method that is added in the page is the one in the sources, to the letter")
        func addedMethod() throws {
            let page = try Self.text("docs/add-an-objective.md")
            let source = try Self.text("Sources/Learner/Objectives/ContrastiveTrajectoryBalance.swift")
            let hasIt = page.contains("```swift\n\(source)```\n")
            #expect(hasIt, "docs/add-an-objective.md shows another ContrastiveTrajectoryBalance.swift than there is")
        }

        @Test("the lines that the pages have of other files are there, each in its file", arguments: [
            "docs/add-an-objective.md", "docs/add-a-reward.md",
        ])
        func addedLines(page: String) throws {
            let blocks = try Self.text(page).components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }
            var count = 0
            // A block of added lines names their file in its first line: swift or text, and "// in PATH".
            for block in blocks.map(\.element) {
                let lines = block.components(separatedBy: "\n").dropFirst()
                guard let first = lines.first, first.hasPrefix("// in ") else { continue }
                let path = String(first.dropFirst("// in ".count)), text = try Self.text(path)
                for line in lines.dropFirst() where !line.trimmingCharacters(in: .whitespaces).isEmpty {
                    let isThere = text.components(separatedBy: "\n").contains(line)
                    #expect(isThere, "\(path) has no line \(line)")
                    count += 1
                }
            }
            #expect(count >= 4)
        }

        @Test("docs/objectives.md has a row and a section for every method, and has its needs, settings and measures")
        func everyMethod() throws {
            let page = try Self.text("docs/objectives.md"), lines = page.components(separatedBy: "\n")
            // As GitHub makes them of headings.
            let anchors = Set(
                lines.filter { $0.hasPrefix("### ") }.map { heading in
                    let kept = heading.dropFirst(4).lowercased().filter { $0.isLetter || $0 == "-" || $0 == " " }
                    return Substring(kept.map { $0 == " " ? "-" : $0 })
                })
            for kind in ObjectiveKind.allCases {
                let needs = kind.defaults.needs
                let links = lines.compactMap { line -> Substring? in
                    let start = "| [`\(kind.rawValue)`](#"
                    return line.hasPrefix(start) ? line.dropFirst(start.count).prefix { $0 != ")" } : nil
                }
                #expect(links.count == 1 && anchors.isSuperset(of: links), "the table of methods: \(kind.rawValue)")
                let isInHeading = lines.contains { $0.hasPrefix("### ") && $0.contains("`\(kind.rawValue)`") }
                #expect(isInHeading, "docs/objectives.md has no section for \(kind.rawValue)")
                let row = Self.row(kind.rawValue, needs)
                #expect(lines.contains(row), "docs/objectives.md needs the line\n\(row)")
                for name in kind.settings.map(\.name) + kind.defaults.measureNames {
                    #expect(page.contains("`\(name)`"), "docs/objectives.md says nothing of \(name)")
                }
            }
        }

        /// What a method asks of the loop with its default settings.
        private static func row(_ name: String, _ needs: Needs) -> String {
            let samples = switch needs.samples {
            case .policy: needs.ownSamples ? "its own" : "anybody's"
            case .start(let steps, let count): "the first weights', \(steps) steps; then \(count) a step"
            case .data: "data"
            }
            let lesson = switch needs.lesson {
            case .group: "group"
            case .demonstration: "demonstration"
            case .pair: "pair"
            }
            let head = needs.root ? "log Z" : needs.values ? "V" : ""
            return "| `\(name)` | \(samples) | \(lesson) | \(head) | \(needs.reference ? "yes" : "") | \(needs.smallestGroup) | "
                + "\(needs.epochs) × \(needs.miniBatches) |"
        }
    }
}
