/// SentencePiece's byte-pair encoding, which has a score for each token where others list merges.
///
/// Two neighbours are joined when together they are a token, the one of highest score first (Kudo and Richardson 2018, as
/// llama.cpp does it). Each way to cut a token in two thus is a merge, ranked by the token's score.
struct ScoredMerges {
    /// A longer token would need more time to be cut in all ways than a file should take.
    static let maximumTokenBytes = 512

    private(set) var merges: BytePairMerges
    /// Characters that occur in tokens without being tokens; see `Vocabulary.strays`.
    private(set) var strays = TokenTable()

    /// `scores` by id, none of them NaN.
    init(_ tokens: TokenTable, scores: [Float]) {
        merges = BytePairMerges(capacity: 4 * tokens.count)
        let order = Set(scores).sorted(by: >)
        var ranks = [Float: Int](minimumCapacity: order.count)
        for (rank, score) in order.enumerated() { ranks[score] = rank }
        for (id, score) in scores.enumerated() {
            guard let token = tokens[Int32(id)] else { continue }
            token.bytes.withUnsafeBytes { addMerges(leadingTo: Int32(id), $0, rank: ranks[score] ?? 0, tokens) }
        }
    }

    private mutating func addMerges(leadingTo id: Int32, _ token: UnsafeRawBufferPointer, rank: Int, _ tokens: TokenTable) {
        let text = token.bindMemory(to: UInt8.self)
        guard text.count > 0, text.utf8Length(at: 0) < text.count else { return }
        var cut = 0
        while true {
            cut += text.utf8Length(at: cut)
            guard cut < text.count else { return }
            guard let left = symbol(token[..<cut], tokens), let right = symbol(token[cut...], tokens) else { continue }
            merges.insert(left, right, rank: rank, result: id)
        }
    }

    /// A token, or a single character that is none.
    private mutating func symbol(_ part: Slice<UnsafeRawBufferPointer>, _ tokens: TokenTable) -> Int32? {
        let part = UnsafeRawBufferPointer(rebasing: part)
        if let id = tokens.id(of: part) { return id }
        guard part.bindMemory(to: UInt8.self).utf8Length(at: 0) == part.count else { return nil }
        if let id = strays.id(of: part) { return id }
        let id = Int32(tokens.idLimit + strays.count)
        _ = strays.insert(part, id: id)
        return id
    }
}
