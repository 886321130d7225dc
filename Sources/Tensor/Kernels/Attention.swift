internal import CKernels

/// R query rows at positions `start ..< start + R` of one sequence, and where the keys of positions `0 ..< start + R` lie.
///
/// Keys of the first `prefixLength` positions are in the prefix (shared by the continuations of a prompt), the key of position
/// prefixLength + j is row j of the own ones. Rows: queries, outputs and their gradients hold all heads side by side; keys and
/// values all key heads. Values lie at the keys' strides, gradients at the strides of what they belong to. In blocks (`KeyBlocks`),
/// a stride is the positions that there is room for, and a prefix has whole blocks only.
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
    package var keyForm: KeyForm
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
        prefixStride: Int = 0, ownKeys: UnsafeRawPointer, ownValues: UnsafeRawPointer, ownStride: Int, keyForm: KeyForm = .rows,
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
        self.keyForm = keyForm
        self.logSumExp = logSumExp
        self.dOutputs = dOutputs
        self.dQueries = dQueries
        self.dOwnKeys = dOwnKeys
        self.dOwnValues = dOwnValues
        self.dPrefixKeys = dPrefixKeys
        self.dPrefixValues = dPrefixValues
    }
}

/// How a segment's keys and values lie in memory.
package enum KeyForm: Sendable, Equatable {
    /// As a pass computes them: a row for each position.
    case rows
    /// As caches keep them, which only a forward pass reads; what is there in bf16 has been rounded.
    case blocks(Precision)

    fileprivate var kernelForm: gfn_key_form {
        switch self {
        case .rows: gfn_keys_in_rows
        case .blocks(.fp32): gfn_keys_in_blocks
        case .blocks(.bf16): gfn_keys_in_bf16_blocks
        }
    }
}

/// Keys and values of consecutive positions in the order in which attention reads them: by head, in blocks of 32 positions.
///
/// With room for T positions, a multiple of 32, keys are [heads][T / 32][C][32] and values [heads][T][C, rounded up to 16].
package struct KeyBlocks {
    package static let length = Int(gfn_key_block)

    package let heads, headSize: Int
    package let precision: Precision
    package let capacity: Int
    package let keys, values: UnsafeMutableRawPointer

    package init(
        heads: Int, headSize: Int, precision: Precision, capacity: Int, keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer
    ) {
        precondition(capacity % Self.length == 0, "blocks of \(capacity) positions")
        self.heads = heads
        self.headSize = headSize
        self.precision = precision
        self.capacity = capacity
        self.keys = keys
        self.values = values
    }

    private static func padded(_ headSize: Int) -> Int { (headSize + 15) / 16 * 16 }

    /// Bytes of the keys of `positions` positions, a multiple of 32.
    package static func keyBytes(heads: Int, headSize: Int, precision: Precision, positions: Int) -> Int {
        heads * headSize * positions * precision.byteCount
    }
    /// Of their values.
    package static func valueBytes(heads: Int, headSize: Int, precision: Precision, positions: Int) -> Int {
        keyBytes(heads: heads, headSize: padded(headSize), precision: precision, positions: positions)
    }

    /// Puts some rows, all heads side by side at `stride`, from `position` on, in one head's blocks.
    package func store(
        head: Int, keys keyRows: UnsafePointer<Float>, values valueRows: UnsafePointer<Float>, stride: Int, rows: Int, at position: Int
    ) {
        precondition(position >= 0 && position + rows <= capacity, "\(position) + \(rows) positions in blocks of \(capacity)")
        let (keys, values) = (keys + head * keyStride, values + head * valueStride)
        gfn_store_keys(
            keys, values, KeyForm.blocks(precision).kernelForm, headSize, position, keyRows + head * headSize, valueRows + head * headSize,
            stride, rows)
    }

    /// Copies the blocks of `positions` positions of others, from position `first` of theirs to the beginning here.
    package func copy(_ positions: Int, of other: KeyBlocks, from first: Int) {
        precondition(
            first % Self.length == 0 && positions <= capacity && first + positions <= other.capacity && other.headSize == headSize,
            "\(positions) positions from \(first) of blocks of \(other.capacity) to blocks of \(capacity)")
        let whole = (positions + Self.length - 1) / Self.length * Self.length
        for head in 0..<heads {
            (keys + head * keyStride).copyMemory(
                from: other.keys + head * other.keyStride + first * headSize * precision.byteCount,
                byteCount: whole * headSize * precision.byteCount)
            let width = Self.padded(headSize) * precision.byteCount
            (values + head * valueStride).copyMemory(
                from: other.values + head * other.valueStride + first * width, byteCount: positions * width)
        }
    }

    private var keyStride: Int { capacity * headSize * precision.byteCount }
    private var valueStride: Int { capacity * Self.padded(headSize) * precision.byteCount }
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
                segment.keyForm == .rows && segment.logSumExp != nil && segment.dOutputs != nil && segment.dQueries != nil && segment.dOwnKeys != nil
                    && segment.dOwnValues != nil
                    && (segment.prefixLength == 0 || (segment.dPrefixKeys != nil && segment.dPrefixValues != nil)),
                "attentionBackward: logSumExp or a gradient's memory is missing, or keys are in blocks")
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
        let inRows = s.keyForm == .rows, least = inRows ? keyWidth : s.start + s.rows - s.prefixLength
        precondition(
            s.rows >= 0 && s.start >= 0 && s.queryStride >= width && s.outputStride >= width && s.ownStride >= least,
            "attention: \(s.rows) rows at \(s.start), strides \(s.queryStride), \(s.outputStride), \(s.ownStride)")
        precondition(
            s.prefixLength == 0
                || (s.prefixLength > 0 && s.prefixKeys != nil && s.prefixValues != nil
                    && s.prefixStride >= (inRows ? keyWidth : s.prefixLength)),
            "attention: a prefix of \(s.prefixLength) at stride \(s.prefixStride)")
        precondition(
            inRows || [s.prefixLength, s.prefixLength == 0 ? 0 : s.prefixStride, s.ownStride].allSatisfy { $0 % KeyBlocks.length == 0 },
            "attention: blocks of a prefix of \(s.prefixLength), room for \(s.prefixStride) and \(s.ownStride) positions")
        return gfn_segment(
            queries: s.queries, query_stride: s.queryStride, outputs: s.outputs, output_stride: s.outputStride, rows: s.rows,
            start: s.start, prefix_keys: s.prefixKeys, prefix_values: s.prefixValues, prefix_length: s.prefixLength,
            prefix_stride: s.prefixStride, own_keys: s.ownKeys, own_values: s.ownValues, own_stride: s.ownStride,
            key_form: s.keyForm.kernelForm, log_sum_exp: s.logSumExp, d_outputs: s.dOutputs, d_queries: s.dQueries, d_own_keys: s.dOwnKeys,
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
