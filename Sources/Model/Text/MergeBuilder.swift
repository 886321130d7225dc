/// Makes merges of ids from merges of texts, in order of rank.
struct MergeBuilder {
    private(set) var merges: BytePairMerges
    private let tokens: TokenTable
    private let path: String
    private var rank = 0
    private var joined: [UInt8] = []

    init(_ tokens: TokenTable, capacity: Int, path: String) {
        self.tokens = tokens
        self.path = path
        merges = BytePairMerges(capacity: capacity)
    }

    /// Throws when one of the two, or both together, is no token.
    mutating func append(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) throws(ModelFileError) {
        joined.removeAll(keepingCapacity: true)
        joined += left
        joined += right
        guard let leftID = tokens.id(of: left), let rightID = tokens.id(of: right), let result = tokens.id(of: joined[...]) else {
            throw .malformed(
                path: path, field: "merge \(rank)", expected: "three tokens of the vocabulary: left, right and both together",
                found: "\"\(String(decoding: left, as: UTF8.self))\" and \"\(String(decoding: right, as: UTF8.self))\"")
        }
        merges.insert(leftID, rightID, rank: rank, result: result)
        rank += 1
    }
}
