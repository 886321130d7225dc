internal import Foundation

/// A number with a fixed count of digits, the same in every locale; never "-0.00".
func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    let text = String(format: "%.\(digits)f", value)
    let isZero = text.allSatisfy { $0 == "-" || $0 == "0" || $0 == "." }
    return isZero && text.hasPrefix("-") ? String(text.dropFirst()) : text
}

extension Estimate {
    /// `0.712 [0.688, 0.735]`; with signs, `+0.034 [-0.010, +0.058]`.
    func text(_ digits: Int, signed: Bool = false) -> String {
        func number(_ value: Double) -> String { (signed && value > 0 ? "+" : "") + fixed(value, digits) }
        // Of one problem there is nothing to resample.
        return problems > 1 ? "\(number(value)) [\(number(low)), \(number(high))]" : number(value)
    }

    var isFinite: Bool { value.isFinite && low.isFinite && high.isFinite }
}

extension Character {
    /// How many columns it takes on a terminal.
    fileprivate var columns: Int {
        guard let scalar = unicodeScalars.first?.value else { return 0 }
        let wide: [ClosedRange<UInt32>] = [
            0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD,
        ]
        return wide.contains { $0.contains(scalar) } ? 2 : 1
    }
}

extension String {
    /// How many columns it takes on a terminal: letters of Chinese, Japanese and Korean take two.
    package var columns: Int { reduce(0) { $0 + $1.columns } }

    /// On one line and without control characters, which a terminal would obey and XML forbids: each run of such signs is a space.
    var singleLine: String {
        let isShown: (Unicode.Scalar) -> Bool = { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .unassigned, .surrogate: false
            default: true
            }
        }
        return unicodeScalars.split { !isShown($0) }.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
    }

    /// Its beginning and … where it takes more columns.
    func cut(to limit: Int) -> String {
        guard columns > limit else { return self }
        var (text, used) = ("", 0)
        for character in self {
            used += character.columns
            guard used < limit else { break }
            text.append(character)
        }
        return text + "…"
    }

    package func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }
    package func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }
}

/// Rows of cells as lines of fixed width. Columns that do not fit beside each other are set below each other, each time with the
/// columns that say what a row is.
struct TextGrid {
    /// Of the lines of all tables.
    static let width = 110
    private static let gap = 2

    /// The first cells say what the columns are of which a row begins.
    var header: [String]
    /// A cell of nil is one whose value is not known.
    var rows: [[String?]] = []
    /// How many columns say what a row is. The first is set to the left, all others are to the right.
    var keys = 1
    /// How many other columns stand beside each other at most.
    var columnsPerBlock = Int.max

    var lines: [String] {
        let cells = [header] + rows.map { $0.map { $0 ?? "-" } }
        let widths = header.indices.map { column in cells.map { $0[column].columns }.max() ?? 0 }
        var lines: [String] = []
        for block in blocks(widths) {
            if !lines.isEmpty { lines.append("") }
            for (index, row) in cells.enumerated() {
                // A row of which this block knows nothing is left out of it.
                if index > 0, block.allSatisfy({ rows[index - 1][$0] == nil }) { continue }
                let texts = (Array(0..<keys) + block).map { column in
                    column == 0 ? row[0].padded(to: widths[0]) : row[column].paddedLeft(to: widths[column] + Self.gap)
                }
                lines.append(texts.joined().trimmingSpacesAtEnd)
            }
        }
        return lines
    }

    private func blocks(_ widths: [Int]) -> [[Int]] {
        let keyWidth = widths.prefix(keys).reduce(0, +) + Self.gap * (keys - 1)
        var (blocks, used): ([[Int]], Int) = ([], 0)
        for column in keys..<header.count {
            let width = widths[column] + Self.gap
            if let last = blocks.last, last.count < columnsPerBlock, used + width <= Self.width {
                blocks[blocks.count - 1].append(column)
                used += width
            } else {
                blocks.append([column])
                used = keyWidth + width
            }
        }
        return blocks
    }
}

extension String {
    fileprivate var trimmingSpacesAtEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
