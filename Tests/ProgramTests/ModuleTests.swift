import Foundation
import Testing

@Suite("Modules")
struct ModuleTests {
    private static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    /// What comes with Swift is not drawn.
    private static let ofSwift: Set = ["Swift", "Foundation", "Glibc", "Dispatch", "Synchronization"]

    private struct Arrow: Hashable, Comparable, CustomStringConvertible {
        let from, to: String
        var description: String { "\(from) --> \(to)" }
        static func < (a: Arrow, b: Arrow) -> Bool { (a.from, a.to) < (b.from, b.to) }
    }

    private func drawn() throws -> [Arrow] {
        let page = try String(contentsOf: Self.root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let start = try #require(page.firstRange(of: "```mermaid\n"), "docs/architecture.md has no drawing")
        let end = try #require(page[start.upperBound...].firstRange(of: "```"))
        return page[start.upperBound..<end.lowerBound].split(separator: "\n").compactMap { line in
            let ends = line.components(separatedBy: "-->").map { $0.trimmingCharacters(in: .whitespaces) }
            return ends.count == 2 ? Arrow(from: ends[0], to: ends[1]) : nil
        }
    }

    private func imported() throws -> Set<Arrow> {
        let sources = Self.root.appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(atPath: sources.path)).compactMap { $0 as? String }
        var arrows: Set<Arrow> = []
        for file in files where file.hasSuffix(".swift") {
            let module = String(file.prefix { $0 != "/" })
            for line in try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                // Attributes and access levels stand before the word, and nothing else does.
                guard let at = words.firstIndex(of: "import"), at + 1 == words.count - 1,
                    words[..<at].allSatisfy({ $0.hasPrefix("@") || ["package", "internal", "private", "public"].contains($0) })
                else { continue }
                let name = String(words[at + 1])
                if !Self.ofSwift.contains(name) { arrows.insert(Arrow(from: module, to: name)) }
            }
        }
        return arrows
    }

    @Test("the drawing in docs/architecture.md has the arrows of the sources' imports, each once")
    func drawing() throws {
        let (drawn, imported) = (try drawn(), try imported())
        for arrow in imported.subtracting(drawn).sorted() { Issue.record("docs/architecture.md needs the arrow \(arrow)") }
        for arrow in Set(drawn).subtracting(imported).sorted() { Issue.record("no file has the import of \(arrow)") }
        #expect(Set(drawn).count == drawn.count)
        // A search that finds nothing would agree with an empty drawing.
        #expect(imported.contains(Arrow(from: "Learner", to: "Rollout")))
    }

    @Test("no module is imported by one that it imports, directly or not")
    func direction() throws {
        var open = try drawn()
        var modules = Set(open.flatMap { [$0.from, $0.to] })
        while !modules.isEmpty {
            let lowest = modules.filter { module in !open.contains { $0.from == module } }
            guard !lowest.isEmpty else {
                Issue.record("a circle among \(modules.sorted())")
                return
            }
            modules.subtract(lowest)
            open.removeAll { lowest.contains($0.to) }
        }
    }

    @Test("Sources holds the product: every folder is a module of the drawing")
    func product() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Sources").path)
        let modules = Set(try drawn().flatMap { [$0.from, $0.to] })
        #expect(Set(folders.filter { !$0.hasPrefix(".") }).subtracting(modules).isEmpty)
    }

    @Test("a method is one file of at most 150 lines, and no file asks for a method's name but the list")
    func methods() throws {
        let folder = Self.root.appendingPathComponent("Sources/Learner/Objectives")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        #expect(files.count > 15)
        for file in files {
            let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            let lines = text.count { $0 == "\n" }
            #expect(lines <= 150, "\(file) has \(lines) lines")
        }
        // The cases of the list, by which a loop could branch.
        let list = try String(contentsOf: folder.appendingPathComponent("ObjectiveKind.swift"), encoding: .utf8)
        let cases = list.split(separator: "\n").compactMap { line -> Substring? in
            let words = line.split(separator: " ")
            return words.first == "case" && words.contains("=") ? words[1] : nil
        }
        #expect(cases.count > 12)
        for folder in ["Sources/Learner", "Sources/gfn-dist"] {
            let url = Self.root.appendingPathComponent(folder)
            for case let file as String in try #require(FileManager.default.enumerator(atPath: url.path))
            where file.hasSuffix(".swift") && !file.hasSuffix("ObjectiveKind.swift") {
                let text = try String(contentsOf: url.appendingPathComponent(file), encoding: .utf8)
                for name in cases where text.contains("ObjectiveKind.\(name)") || text.contains("case .\(name)") {
                    Issue.record("\(folder)/\(file) asks for the method \(name)")
                }
            }
        }
    }
}
