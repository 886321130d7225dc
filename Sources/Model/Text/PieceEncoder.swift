/// Turns one piece of a text into tokens: its smallest symbols, then merges.
struct PieceEncoder: Sendable {
    private let tokens: TokenTable
    private let strays: TokenTable
    private let merges: BytePairMerges
    private let spelling: Vocabulary.Spelling
    private let ignoresMerges: Bool
    private let unknownToken: Int32?
    private let fusesUnknown: Bool
    /// Spelled in bytes: the token of each byte. In characters: that of "<0x00>" and so on. -1 where there is none.
    private let byteTokens: [Int32]

    init(_ vocabulary: Vocabulary) {
        tokens = vocabulary.tokens
        strays = vocabulary.strays
        merges = vocabulary.merges
        spelling = vocabulary.spelling
        ignoresMerges = vocabulary.ignoresMerges
        unknownToken = vocabulary.unknownToken
        fusesUnknown = vocabulary.fusesUnknown
        byteTokens =
            switch vocabulary.spelling {
            case .bytes: (0..<256).map { vocabulary.tokens.id(of: ByteAlphabet.token(of: UInt8($0))) ?? -1 }
            case .characters(fallback: true): vocabulary.byteTokens
            case .characters(fallback: false): Array(repeating: -1, count: 256)
            }
    }

    /// Whether every character has tokens of its own, in whatever text.
    var knowsEveryByte: Bool { byteTokens.allSatisfy { $0 >= 0 } }

    /// Appends the tokens of a piece, which is valid UTF-8.
    func encode(_ piece: UnsafeRawBufferPointer, into output: inout [Int32], _ workspace: inout BytePairMerges.Workspace) {
        if ignoresMerges, let id = wholeToken(piece) {
            output.append(id)
            return
        }
        let start = output.count
        switch spelling {
        case .bytes: appendBytes(piece, to: &output)
        case .characters: appendCharacters(piece.bindMemory(to: UInt8.self), to: &output)
        }
        merges.apply(to: &output, from: start, &workspace)
        if strays.count > 0 { spellStrays(in: &output, from: start) }
    }

    private func wholeToken(_ piece: UnsafeRawBufferPointer) -> Int32? {
        guard case .bytes = spelling else { return tokens.id(of: piece) }
        var spelled: [UInt8] = []
        spelled.reserveCapacity(2 * piece.count)
        for byte in piece { ByteAlphabet.append(byte, to: &spelled) }
        return spelled.withUnsafeBytes { tokens.id(of: $0) }
    }

    private func appendBytes(_ piece: UnsafeRawBufferPointer, to output: inout [Int32]) {
        var pendsUnknown = false
        for byte in piece {
            let token = byteTokens[Int(byte)]
            if token >= 0 {
                flush(&pendsUnknown, to: &output)
                output.append(token)
            } else {
                noteUnknown(&pendsUnknown, in: &output)
            }
        }
        flush(&pendsUnknown, to: &output)
    }

    private func appendCharacters(_ piece: UnsafeBufferPointer<UInt8>, to output: inout [Int32]) {
        var pendsUnknown = false
        var position = 0
        while position < piece.count {
            let length = piece.utf8Length(at: position)
            let character = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece)[position..<position + length])
            position += length
            if let token = tokens.id(of: character) ?? (strays.count > 0 ? strays.id(of: character) : nil) {
                flush(&pendsUnknown, to: &output)
                output.append(token)
            } else if character.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
                // Bytes overtake an unknown character before them, as in Hugging Face's library.
                for byte in character { output.append(byteTokens[Int(byte)]) }
            } else {
                noteUnknown(&pendsUnknown, in: &output)
            }
        }
        flush(&pendsUnknown, to: &output)
    }

    private func noteUnknown(_ pends: inout Bool, in output: inout [Int32]) {
        if pends, !fusesUnknown { flush(&pends, to: &output) }
        pends = true
    }

    private func flush(_ pends: inout Bool, to output: inout [Int32]) {
        guard pends else { return }
        pends = false
        if let unknownToken { output.append(unknownToken) }
    }

    private func spellStrays(in output: inout [Int32], from start: Int) {
        guard let first = output[start...].firstIndex(where: { Int($0) >= tokens.idLimit }) else { return }
        let symbols = output[first...]
        output.removeSubrange(first...)
        for symbol in symbols {
            if Int(symbol) < tokens.idLimit {
                output.append(symbol)
            } else if let character = strays[symbol] {
                let bytes = character.bytes.map { byteTokens[Int($0)] }
                if bytes.allSatisfy({ $0 >= 0 }) { output += bytes } else if let unknownToken { output.append(unknownToken) }
            }
        }
    }
}
