internal import CKernels

/// R query rows at positions `start ..< start + R` of one sequence, and where the keys of positions `0 ..< start + R` lie.
///
/// Keys of the first `prefixLength` positions are in the prefix (shared by the continuations of a prompt), the key of position
/// prefixLength + j is row j of the own ones. Rows: queries, outputs and their gradients hold all heads side by side; keys and
/// values all key heads. Values lie at the keys' strides, gradients at the strides of what they belong to.
package struct AttentionSegment {
    package var queries: UnsafeMutablePointer<Float>
    package var queryStride: Int
    package var outputs: UnsafeMutablePointer<Float>
    package var outputStride: Int
    package var rows: Int
    package var start: Int
    package var prefixKeys: UnsafeRawPointer?
    package var prefixValues: UnsafeRawPointer?
    package var prefixLength: Int
    package var prefixStride: Int
    package var ownKeys: UnsafeRawPointer
    package var ownValues: UnsafeRawPointer
    package var ownStride: Int
    /// Of keys and values as they lie in memory: fp32, or what was rounded to bf16, which only a forward pass reads.
    package var keyPrecision: Precision
    /// log Σ e^score of each row and head, [rows, heads]: written by the forward pass, read by the backward.
    package var logSumExp: UnsafeMutablePointer<Float>?

    package var dOutputs: UnsafePointer<Float>?
    package var dQueries: UnsafeMutablePointer<Float>?
    package var dOwnKeys: UnsafeMutablePointer<Float>?
    package var dOwnValues: UnsafeMutablePointer<Float>?
    package var dPrefixKeys: UnsafeMutablePointer<Float>?
    package var dPrefixValues: UnsafeMutablePointer<Float>?

    package init(
        queries: UnsafeMutablePointer<Float>, queryStride: Int, outputs: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int,
        start: Int, prefixKeys: UnsafeRawPointer? = nil, prefixValues: UnsafeRawPointer? = nil, prefixLength: Int = 0,
        prefixStride: Int = 0, ownKeys: UnsafeRawPointer, ownValues: UnsafeRawPointer, ownStride: Int, keyPrecision: Precision = .fp32,
        logSumExp: UnsafeMutablePointer<Float>? = nil, dOutputs: UnsafePointer<Float>? = nil,
        dQueries: UnsafeMutablePointer<Float>? = nil, dOwnKeys: UnsafeMutablePointer<Float>? = nil,
        dOwnValues: UnsafeMutablePointer<Float>? = nil, dPrefixKeys: UnsafeMutablePointer<Float>? = nil,
        dPrefixValues: UnsafeMutablePointer<Float>? = nil
    ) {
        self.queries = queries
        self.queryStride = queryStride
        self.outputs = outputs
        self.outputStride = outputStride
        self.rows = rows
        self.start = start
        self.prefixKeys = prefixKeys
        self.prefixValues = prefixValues
        self.prefixLength = prefixLength
        self.prefixStride = prefixStride
        self.ownKeys = ownKeys
        self.ownValues = ownValues
        self.ownStride = ownStride
        self.keyPrecision = keyPrecision
        self.logSumExp = logSumExp
        self.dOutputs = dOutputs
        self.dQueries = dQueries
        self.dOwnKeys = dOwnKeys
        self.dOwnValues = dOwnValues
        self.dPrefixKeys = dPrefixKeys
        self.dPrefixValues = dPrefixValues
    }
}

extension Kernel {
    /// Causal attention of ragged segments, each query head sharing the key head of its group.
    ///
    /// A row's bits depend on its query and its keys only: not on other rows, nor on which keys are in the prefix (attention.h).
    package static func attention(
        _ segments: [AttentionSegment], heads: Int, keyValueHeads: Int, headSize: Int, scale: Float, parallel: Parallel,
        family: KernelFamily = .current
    ) {
        let shape = attentionShape(heads, keyValueHeads, headSize, scale)
        let segments = segments.filter { $0.rows > 0 }.map { checked($0, shape) }
        // q·k and p·v.
        WorkMeter.add(attention: 4 * heads * headSize * pairs(segments))
        let units = attentionUnits(segments, shape)
        let kernels = family.kernels
        segments.withUnsafeBufferPointer { segments in
            units.withUnsafeBufferPointer { units in
                guard let first = segments.baseAddress else { return }
                let work = segments.reduce(0) { $0 + $1.rows * ($1.start + $1.rows) } * heads * headSize
                let split = work < 1_000_000 ? .serial : parallel
                split.forEach(units.count * keyValueHeads) { part in
                    for i in part {
                        // Early units are cheap and late ones dear: one from either end in turn gives threads equal shares.
                        let turn = i / keyValueHeads
                        let unit = turn % 2 == 0 ? turn / 2 : units.count - 1 - turn / 2
                        withUnsafePointer(to: shape) { kernels.pointee.attention(first, units[unit], $0, i % keyValueHeads) }
                    }
                }
            }
        }
    }

    /// The backward of `attention`, from its outputs and logSumExp: writes dQueries; adds to the gradients of keys and values, own
    /// and prefix, in the order of the segments. No matrix of probabilities is kept.
    package static func attentionBackward(
        _ segments: [AttentionSegment], heads: Int, keyValueHeads: Int, headSize: Int, scale: Float, parallel: Parallel,
        family: KernelFamily = .current
    ) {
        let shape = attentionShape(heads, keyValueHeads, headSize, scale)
        let segments = segments.filter { $0.rows > 0 }.map { segment in
            precondition(
                segment.keyPrecision == .fp32 && segment.logSumExp != nil && segment.dOutputs != nil && segment.dQueries != nil && segment.dOwnKeys != nil
                    && segment.dOwnValues != nil
                    && (segment.prefixLength == 0 || (segment.dPrefixKeys != nil && segment.dPrefixValues != nil)),
                "attentionBackward: logSumExp or a gradient's memory is missing, or keys are in bf16")
            return checked(segment, shape)
        }
        // q·k once more, and the gradients of p, v, q and k.
        WorkMeter.add(attention: 10 * heads * headSize * pairs(segments))
        let kernels = family.kernels
        segments.withUnsafeBufferPointer { segments in
            guard let first = segments.baseAddress else { return }
            parallel.forEach(keyValueHeads) { part in
                for head in part {
                    withUnsafePointer(to: shape) { kernels.pointee.attention_backward(first, segments.count, $0, head) }
                }
            }
        }
    }

    /// How many keys all rows attend to together.
    private static func pairs(_ segments: [gfn_segment]) -> Int {
        segments.reduce(0) { $0 + $1.rows * $1.start + $1.rows * ($1.rows + 1) / 2 }
    }

    private static func attentionShape(_ heads: Int, _ keyValueHeads: Int, _ headSize: Int, _ scale: Float) -> gfn_attention_shape {
        precondition(
            headSize > 0 && keyValueHeads > 0 && heads > 0 && heads % keyValueHeads == 0,
            "attention: \(heads) heads, \(keyValueHeads) key heads, head size \(headSize)")
        return gfn_attention_shape(heads: heads, key_value_heads: keyValueHeads, head_size: headSize, scale: scale)
    }

    private static func checked(_ s: AttentionSegment, _ shape: gfn_attention_shape) -> gfn_segment {
        let (width, keyWidth) = (shape.heads * shape.head_size, shape.key_value_heads * shape.head_size)
        precondition(
            s.rows >= 0 && s.start >= 0 && s.queryStride >= width && s.outputStride >= width && s.ownStride >= keyWidth,
            "attention: \(s.rows) rows at \(s.start), strides \(s.queryStride), \(s.outputStride), \(s.ownStride)")
        precondition(
            s.prefixLength == 0
                || (s.prefixLength > 0 && s.prefixKeys != nil && s.prefixValues != nil && s.prefixStride >= keyWidth),
            "attention: a prefix of \(s.prefixLength) at stride \(s.prefixStride)")
        return gfn_segment(
            queries: s.queries, query_stride: s.queryStride, outputs: s.outputs, output_stride: s.outputStride, rows: s.rows,
            start: s.start, prefix_keys: s.prefixKeys, prefix_values: s.prefixValues, prefix_length: s.prefixLength,
            prefix_stride: s.prefixStride, own_keys: s.ownKeys, own_values: s.ownValues, own_stride: s.ownStride,
            keys_in_bf16: s.keyPrecision == .bf16 ? 1 : 0, log_sum_exp: s.logSumExp, d_outputs: s.dOutputs, d_queries: s.dQueries, d_own_keys: s.dOwnKeys,
            d_own_values: s.dOwnValues, d_prefix_keys: s.dPrefixKeys, d_prefix_values: s.dPrefixValues)
    }

    /// Consecutive rows that share a prefix are worked on together, so that its keys are transposed once for all of them.
    private static func attentionUnits(_ segments: [gfn_segment], _ shape: gfn_attention_shape) -> [gfn_attention_unit] {
        let limit = gfn_attention_rows
        var units: [gfn_attention_unit] = []
        for (index, segment) in segments.enumerated() {
            var row = 0
            if let last = units.last, last.rows < limit {
                let other = segments[last.segment]
                let isShared =
                    segment.prefix_length > 0 && segment.prefix_length == other.prefix_length
                    && segment.prefix_keys == other.prefix_keys && segment.prefix_values == other.prefix_values
                    && segment.prefix_stride == other.prefix_stride
                if isShared {
                    row = min(segment.rows, limit - last.rows)
                    units[units.count - 1].rows += row
                }
            }
            while row < segment.rows {
                let rows = min(limit, segment.rows - row)
                units.append(gfn_attention_unit(segment: index, row: row, rows: rows))
                row += rows
            }
        }
        return units
    }
}
