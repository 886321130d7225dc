internal import CKernels

extension Kernel {
    /// What a row block of the output head is needed for: log-probabilities of a token and of a set of tokens, entropy and
    /// normaliser, in nats.
    ///
    /// logits: [rows, V]; everything else: [rows]. log π(⊤) is that of any token of `stopTokens`: log Σ π. A token of −1 means
    /// none: its log-probability is written as 0. An empty set likewise.
    package static func gatherLogProbabilities(
        _ logits: UnsafePointer<Float>, rows: Int, vocabulary: Int, tokens: UnsafePointer<Int32>, stopTokens: StopTokens,
        tokenLogProbability: UnsafeMutablePointer<Float>, stopLogProbability: UnsafeMutablePointer<Float>,
        entropy: UnsafeMutablePointer<Float>? = nil, logSumExp: UnsafeMutablePointer<Float>? = nil,
        parallel: Parallel = .serial, family: KernelFamily = .current
    ) {
        checkTokens(tokens, rows: rows, stopTokens: stopTokens, vocabulary: vocabulary)
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(4 * vocabulary)) { part in
            let at = part.lowerBound
            stopTokens.withSet { stops in
                kernels.pointee.gather_log_probabilities(
                    logits + at * vocabulary, part.count, vocabulary, tokens + at, stops, tokenLogProbability + at,
                    stopLogProbability + at, entropy.map { $0 + at }, logSumExp.map { $0 + at })
            }
        }
    }

    /// The gradient of Σ (wt·log π(token) + ws·log π(⊤)) with respect to the logits, in their place:
    ///
    ///     dz = wt·onehot(token) + ws·π(· | ⊤) − (wt + ws)·softmax(z)
    ///
    /// with π(· | ⊤) the distribution within the set of stop tokens. A token of −1 counts as wt = 0, an empty set as ws = 0.
    package static func logitGradient(
        _ logits: UnsafeMutablePointer<Float>, rows: Int, vocabulary: Int, tokens: UnsafePointer<Int32>, stopTokens: StopTokens,
        tokenWeights: UnsafePointer<Float>, stopWeights: UnsafePointer<Float>, logSumExp: UnsafePointer<Float>,
        parallel: Parallel = .serial, family: KernelFamily = .current
    ) {
        checkTokens(tokens, rows: rows, stopTokens: stopTokens, vocabulary: vocabulary)
        let kernels = family.kernels
        parallel.forEach(rows, grain: rowGrain(4 * vocabulary)) { part in
            let at = part.lowerBound
            stopTokens.withSet { stops in
                kernels.pointee.logit_gradient(
                    logits + at * vocabulary, part.count, vocabulary, tokens + at, stops, tokenWeights + at, stopWeights + at,
                    logSumExp + at)
            }
        }
    }

    /// The token at which the cumulative distribution of softmax(logits/temperature) first exceeds `uniform` ∈ [0, 1).
    ///
    /// Temperature 0 takes the largest logit, the lowest id among equals. Never a token of probability zero.
    package static func sampleToken(
        _ logits: UnsafePointer<Float>, vocabulary: Int, temperature: Float, uniform: Float, family: KernelFamily = .current
    ) -> Int32 {
        precondition(
            vocabulary > 0 && temperature >= 0 && (0..<1).contains(uniform),
            "sampleToken: vocabulary \(vocabulary), temperature \(temperature), uniform \(uniform)")
        return family.kernels.pointee.sample_token(logits, vocabulary, temperature, uniform)
    }

    private static func checkTokens(_ tokens: UnsafePointer<Int32>, rows: Int, stopTokens: StopTokens, vocabulary: Int) {
        precondition(
            rows >= 0 && vocabulary > 0 && stopTokens.ids.allSatisfy { Int($0) < vocabulary }, "stop tokens \(stopTokens.ids) of \(vocabulary)")
        for row in 0..<rows {
            precondition(Int(tokens[row]) < vocabulary, "token \(tokens[row]) of row \(row) in a vocabulary of \(vocabulary)")
        }
    }
}
