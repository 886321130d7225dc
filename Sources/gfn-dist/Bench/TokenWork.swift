internal import Model

/// Operations that some rows of a model need, in GFLOP, in the usual way of counting: two for each weight of a product, and what attention
/// adds. What softmax, norms and activations take is left out.
struct TokenWork {
    private let maps, head, adapters, attentionPerKey: Double

    /// What is needed, by its reason.
    struct Needs {
        /// Of the products with the base's matrices, the output matrix included.
        var weights = 0.0
        var attention = 0.0
        var adapters = 0.0

        var total: Double { weights + attention + adapters }

        static func * (left: Needs, right: Int) -> Needs {
            let times = Double(right)
            return Needs(weights: left.weights * times, attention: left.attention * times, adapters: left.adapters * times)
        }

        static func += (left: inout Needs, right: Needs) {
            left.weights += right.weights
            left.attention += right.attention
            left.adapters += right.adapters
        }
    }

    /// - Parameter adapterParameters: of all low-rank matrices together.
    init(_ c: TransformerConfiguration, adapterParameters: Int) {
        let perLayer = LinearKind.allCases.reduce(0) { $0 + c.extents(of: $1).outputs * c.extents(of: $1).inputs }
        maps = Double(perLayer * c.layerCount)
        head = Double(c.hiddenSize * c.vocabularySize)
        adapters = Double(adapterParameters)
        // q·k and p·v, two operations each, of every query head.
        attentionPerKey = Double(4 * c.headCount * c.headSize * c.layerCount)
    }

    /// A forward pass over `rows`, of which `states` need logits, and which attend to so many keys in all.
    func forward(rows: Int, states: Int, keys: Double) -> Needs {
        Needs(
            weights: 2 * (Double(rows) * maps + Double(states) * head) / 1e9, attention: attentionPerKey * keys / 1e9,
            adapters: 2 * Double(rows) * adapters / 1e9)
    }

    /// The backward through a frozen base: gradients of inputs; of adapters, those of their weights too; and five products of attention
    /// to the forward's two.
    func backward(rows: Int, states: Int, keys: Double) -> Needs {
        var needs = forward(rows: rows, states: states, keys: keys)
        needs.attention *= 2.5
        needs.adapters *= 2
        return needs
    }

    /// Keys that the rows of a prompt and of the responses to it attend to, themselves included.
    static func keys(prompt: Int, responses: Int, length: Int) -> Double {
        Double(prompt * (prompt + 1) / 2) + Double(responses * length) * (Double(prompt) + Double(length + 1) / 2)
    }

    /// Of a token that attends to so many.
    func sampling(position: Int) -> Double { forward(rows: 1, states: 1, keys: Double(position)).total }

    /// Forward and backward, on average over all tokens of a group. Logits are of the states of responses only.
    func learning(prompt: Int, responses: Int, length: Int) -> Double {
        let rows = prompt + responses * length, states = responses * length + 1
        let keys = Self.keys(prompt: prompt, responses: responses, length: length)
        var needs = forward(rows: rows, states: states, keys: keys)
        needs += backward(rows: rows, states: states, keys: keys)
        return needs.total / Double(rows)
    }
}
