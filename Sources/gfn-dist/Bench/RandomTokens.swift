internal import Tensor

/// Texts that mean nothing: the lowest and highest ids, often special tokens, are left out where there are enough of others.
struct RandomTokens {
    let vocabulary: Int

    func tokens(_ count: Int, slot: Int) -> [Int32] {
        let margin = min(100, (vocabulary - 1) / 4)
        var random = RandomStream(seed: 0, purpose: .task, slot: slot)
        return (0..<count).map { _ in Int32.random(in: Int32(margin)..<Int32(vocabulary - margin), using: &random) }
    }
}
