internal import Foundation
internal import Problems

/// Data sets that are compressed, in several members with checksums: what is accepted of them is what was compressed.
struct CompressedDataFormat: FuzzFormat {
    let name = "compressed"
    /// The window that a frame of zstd may ask for, whatever it holds.
    let memoryAllowance = CaseRunner.memoryAllowance + (128 << 20)
    /// Twelve rows in one member and one in another, by `gzip -9` and `gzip -1`, and by `zstd -19` and `zstd -3` after a skipped frame.
    private let base = [
        "H4sIAAAAAAACA3XROw7CQAwE0J5TWE5Lsf/d0HAIThCJFDQbQUAUUe4O8dJEZlxa84rRLHx/jfPzNlU+ERsa6pXMmY/EQ53f42P7XibqvkeG18Oyy1vJZ5Av"
            + "Ku8kbwMANinhRTgLhAtKhCYKEN4pEUX4CETQvZOI4JDQzXMTPRBRNy8iYgIi6ea9iOSByLq5bYNntHj5M/lvczj61v0DO9a/RlYCAAAfiwgAAAAAAAQDq1Yq"
            + "LE0tLsnMz1OyUlAyNFJIzEtRsDCxV9JRUErMKy5PLQKJB+crKAOBgqWZUi0XAOR/9BkzAAAA",
        "UCpNGAMAAAABAgMotS/9BGgFBABiBhUXgE0bGBUA1geEykDQ/pIlS+srnSxnjBPA9G7GMrGRYSpTPCzzal7Dsl5dxl1qqepdTVWcm9osgel4wS3Gj3iTRE47"
            + "fsILPKQdhz/ibVEeJ4GYSwEiqBGA7bX+b9CbAzEEVCM8I0TjPtvQMvjU6eFzjygEdaWZcQdO9AFkNcXsMn4otS/9BFiZAQB7InF1ZXN0aW9uIjogIjEyIGFu"
            + "ZCA4ND8iLCAiYW5zd2VyIjogIlNvICMjIyMgOTYifQoAxiGB",
    ].map { Data(base64Encoded: $0).map { Array($0) } ?? [] }

    func mutant(using random: inout FuzzRandom) -> Mutant {
        var bytes = random.pick(base)
        var changes = ["\(bytes.count) bytes"]
        let mutator = ByteMutator(donors: base)
        for _ in 0..<random.below(3) { changes.append(mutator.mutate(&bytes, using: &random)) }
        return Mutant(files: ["data.jsonl": bytes], changes: changes)
    }

    func read(_ mutant: Mutant, in folder: String) throws {
        for problem in try ProblemFile.read("\(folder)/data.jsonl") {
            // Row i asks about i and 7i; members may be missing or doubled, but not different.
            let isWhole = (0..<13).contains { row in
                problem.messages.map(\.content) == ["\(row) and \(7 * row)?"] && problem.answer == "\(8 * row)"
            }
            try BrokenInvariant.unless(isWhole, "a row is read that was not compressed: \(problem)")
        }
    }

    func isRefusal(_ error: any Error) -> Bool { error is DataFileError }
}
