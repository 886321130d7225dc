/// The equations of a solution in order: two solutions with the same list take the same path to the answer.
///
/// RFT (Yuan et al. 2023, arXiv 2308.01825, section 3.3) keeps one sample for each list of the calculator notes `<<48/2=24>>`.
/// Here a text without notes has a list too, read from its prose; a text without any equation is known by itself, and is the
/// same as an equal text only.
///
/// Written differently, equal equations are equal: white space, thousands separators, `$` and `%` vanish, `×`, `·`, `x`, `\times`
/// and `\cdot` are `*`, `÷` and `\div` are `/`, `−` is `-`, and 12.0 is 12. Equations are not solved: 2+3=5 and 3+2=5 differ.
package struct EquationList: Hashable, Sendable {
    package let equations: [String]
    /// The text in UTF-8 where there are no equations, else empty.
    private let text: [UInt8]

    package init(_ text: String) {
        let bytes = Array(text.utf8)
        let notes = Self.notes(in: bytes)
        equations = notes.isEmpty ? Self.prose(bytes) : notes
        self.text = equations.isEmpty ? bytes : []
    }

    private enum Lexeme: Equatable {
        /// In canonical form.
        case number(String)
        /// One of + - * / ^
        case operation(String)
        case equals
        case open
        case close
        case word(String)
        /// What no equation extends over: a line's end, the point that ends a sentence, a sign of another kind.
        case end
    }

    /// A lexeme and how it touches its neighbours, which decides between a sign and a subtraction, a factor and a remark.
    private struct Piece {
        let lexeme: Lexeme
        let isAttachedToPrevious: Bool
        var isAttachedToNext = false
    }

    // MARK: Notes

    /// The contents of `<<…>>`, with whatever else than numbers and operators they hold.
    private static func notes(in bytes: [UInt8]) -> [String] {
        var (notes, index) = ([String](), 0)
        let (left, right) = (UInt8(ascii: "<"), UInt8(ascii: ">"))
        while index + 1 < bytes.count {
            guard bytes[index] == left, bytes[index + 1] == left else {
                index += 1
                continue
            }
            guard let end = bytes[index...].firstIndex(of: right), end + 1 < bytes.count else { break }
            // A note holds no >, so none that begins before this one ends elsewhere.
            if bytes[end + 1] == right {
                let note = pieces(bytes[(index + 2)..<end]).map { written($0.lexeme) }.joined()
                if !note.isEmpty { notes.append(note) }
            }
            index = end + 1
        }
        return notes
    }

    private static func written(_ lexeme: Lexeme) -> String {
        switch lexeme {
        case .number(let text), .operation(let text), .word(let text): text
        case .equals: "="
        case .open: "("
        case .close: ")"
        case .end: ""
        }
    }

    // MARK: Prose

    /// The chains `a = b = …` in a text, each as long as it goes, that hold at least one operation.
    ///
    /// Words among the numbers are units and left out, with an operator before them (`miles/hour`); so are variables and ordinals.
    /// Two numbers with no operator between them end one chain and begin the next, and an opening bracket does unless it touches
    /// the number before it, when it multiplies.
    private static func prose(_ bytes: [UInt8]) -> [String] {
        // A chain ends with its line, so lines without = have none.
        bytes.split(separator: 0x0A).filter { $0.contains(UInt8(ascii: "=")) }.flatMap(equations(inLine:))
    }

    private static func equations(inLine bytes: ArraySlice<UInt8>) -> [String] {
        var (equations, chain) = ([String](), Chain())
        func finish() {
            if let equation = chain.equation { equations.append(equation) }
            chain = Chain()
        }
        let all = pieces(bytes)
        for (index, piece) in all.enumerated() {
            switch piece.lexeme {
            case .number(let number):
                if chain.endsInOperand { finish() }
                chain.append(.number(number))
            case .operation(let sign):
                if chain.endsInOperand {
                    chain.append(piece.lexeme)
                } else if sign == "-", piece.isAttachedToNext, index + 1 < all.count, startsOperand(all[index + 1].lexeme) {
                    chain.append(.operation("-"))
                }
            case .equals:
                if chain.endsInOperand { chain.append(.equals) } else { finish() }
            case .open:
                if chain.endsInOperand {
                    if piece.isAttachedToPrevious { chain.append(.operation("*")) } else { finish() }
                }
                chain.append(.open)
            case .close:
                if !chain.close() { finish() }
            case .word:
                chain.dropOperator()
            case .end:
                finish()
            }
        }
        finish()
        return equations
    }

    private static func startsOperand(_ lexeme: Lexeme) -> Bool {
        switch lexeme {
        case .number, .open: true
        default: false
        }
    }

    /// What has been read of `a = b = …`.
    private struct Chain {
        private var sides: [[Lexeme]] = [[]]
        /// Brackets that are open in the last side.
        private var depth = 0

        var endsInOperand: Bool {
            switch sides.last?.last {
            case .number, .close: true
            default: false
            }
        }

        mutating func append(_ lexeme: Lexeme) {
            if lexeme == .equals {
                sides.append([])
                depth = 0
            } else {
                sides[sides.count - 1].append(lexeme)
                if lexeme == .open { depth += 1 }
            }
        }

        /// Takes back an operator that a word follows.
        mutating func dropOperator() {
            if case .operation = sides[sides.count - 1].last { sides[sides.count - 1].removeLast() }
        }

        /// Closes a bracket, or takes it back if it holds nothing. False if none is open.
        mutating func close() -> Bool {
            guard depth > 0 else { return false }
            depth -= 1
            dropOperator()
            if sides[sides.count - 1].last == .open {
                sides[sides.count - 1].removeLast()
                dropOperator()
            } else {
                sides[sides.count - 1].append(.close)
            }
            return true
        }

        /// Nil unless there are two sides and an operation.
        var equation: String? {
            let complete = sides.map(Self.complete).prefix { !$0.isEmpty }
            let hasOperation = complete.contains { $0.contains { if case .operation = $0 { true } else { false } } }
            guard complete.count > 1, hasOperation else { return nil }
            return complete.map { $0.map(written).joined() }.joined(separator: "=")
        }

        /// A side without brackets that stay open and without a last operator.
        private static func complete(_ side: [Lexeme]) -> [Lexeme] {
            var (kept, open) = ([Lexeme](), [Int]())
            for lexeme in side {
                if lexeme == .open { open.append(kept.count) }
                if lexeme == .close { _ = open.popLast() }
                kept.append(lexeme)
            }
            for index in open.reversed() { kept.remove(at: index) }
            while case .operation = kept.last { kept.removeLast() }
            return kept
        }
    }

    // MARK: Lexemes

    private static func pieces(_ bytes: ArraySlice<UInt8>) -> [Piece] {
        var (pieces, rest, followsSpace) = ([Piece](), bytes, true)
        func add(_ lexeme: Lexeme, _ length: Int) {
            if !followsSpace, !pieces.isEmpty { pieces[pieces.count - 1].isAttachedToNext = true }
            pieces.append(Piece(lexeme: lexeme, isAttachedToPrevious: !followsSpace && pieces.count > 0))
            followsSpace = false
            rest = rest.dropFirst(length)
        }
        while let byte = rest.first {
            if let (sign, length) = operation(rest) {
                add(.operation(sign), length)
            } else if let (number, length) = number(rest) {
                let letters = rest.dropFirst(length).prefix(while: isLetter)
                if ordinalEndings.contains(where: letters.elementsEqual), !expectsOperand(after: pieces.last?.lexeme) {
                    add(.word(number + String(decoding: letters, as: UTF8.self)), length + letters.count)
                } else {
                    add(.number(number), length)
                }
            } else if byte == UInt8(ascii: "x") || byte == UInt8(ascii: "X"), isTimes(rest, after: pieces.last?.lexeme) {
                add(.operation("*"), 1)
            } else if isLetter(byte) {
                let word = rest.prefix(while: isLetter)
                add(.word(String(decoding: word, as: UTF8.self)), word.count)
            } else {
                switch byte {
                case UInt8(ascii: " "), UInt8(ascii: "\t"):
                    followsSpace = true
                    rest = rest.dropFirst()
                case UInt8(ascii: "$"), UInt8(ascii: "%"): rest = rest.dropFirst()
                case UInt8(ascii: "\\") where rest.dropFirst().first == UInt8(ascii: "$") || rest.dropFirst().first == UInt8(ascii: "%"):
                    rest = rest.dropFirst()
                case UInt8(ascii: "="): add(.equals, 1)
                case UInt8(ascii: "("): add(.open, 1)
                case UInt8(ascii: ")"): add(.close, 1)
                default: add(.end, 1)
                }
            }
        }
        return pieces
    }

    private static let signs: [(written: [UInt8], sign: String)] = [
        ("+", "+"), ("-", "-"), ("−", "-"), ("–", "-"), ("*", "*"), ("×", "*"), ("·", "*"), ("⋅", "*"), ("\\times", "*"), ("\\cdot", "*"),
        ("/", "/"), ("÷", "/"), ("\\div", "/"), ("^", "^"),
    ].map { (Array($0.utf8), $1) }

    /// A number with one of them is a word, unless an operand is expected: 1/4th of 8, and the 6 - 2 = 4th floor.
    private static let ordinalEndings = ["st", "nd", "rd", "th"].map { Array($0.utf8) }

    private static func expectsOperand(after previous: Lexeme?) -> Bool {
        switch previous {
        case .operation, .equals: true
        default: false
        }
    }

    private static func operation(_ bytes: ArraySlice<UInt8>) -> (sign: String, length: Int)? {
        signs.first { bytes.starts(with: $0.written) }.map { ($0.sign, $0.written.count) }
    }

    /// An x alone, after a number or its unit and before a number.
    private static func isTimes(_ bytes: ArraySlice<UInt8>, after previous: Lexeme?) -> Bool {
        switch previous {
        case .number, .close, .word: break
        default: return false
        }
        guard let next = bytes.dropFirst().first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "$") }) else { return false }
        return isDigit(next) || next == UInt8(ascii: "(") || next == UInt8(ascii: ".")
    }

    /// A decimal number at the start, without separators of thousands and zeros that say nothing.
    private static func number(_ bytes: ArraySlice<UInt8>) -> (text: String, length: Int)? {
        var whole = bytes.prefix(while: isDigit)
        var (digits, rest) = (Array(whole), bytes[whole.endIndex...])
        while !digits.isEmpty, rest.first == UInt8(ascii: ",") {
            whole = rest.dropFirst().prefix(while: isDigit)
            guard whole.count == 3 else { break }
            digits += whole
            rest = bytes[whole.endIndex...]
        }
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            if !fraction.isEmpty { rest = bytes[fraction.endIndex...] }
        }
        guard !digits.isEmpty || !fraction.isEmpty else { return nil }
        let zero = UInt8(ascii: "0")
        while fraction.last == zero { fraction.removeLast() }
        let significant = digits.drop { $0 == zero }
        let text = (significant.isEmpty ? [zero] : Array(significant)) + (fraction.isEmpty ? [] : [UInt8(ascii: ".")] + fraction)
        return (String(decoding: text, as: UTF8.self), rest.startIndex - bytes.startIndex)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    /// Letters, and whatever is not ASCII.
    private static func isLetter(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte >= 0x80 || byte == UInt8(ascii: "'")
    }
}
