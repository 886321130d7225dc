internal import Tensor

/// The keys and values of one stretch of a sequence in every layer, in blocks, growing by doubling.
final class KeyValueCache {
    private let layers: Int
    private let heads, headSize: Int
    /// What is written has been rounded to it.
    let precision: Precision
    /// Positions that there is room for.
    private(set) var capacity: Int
    private var keyStore, valueStore: UnsafeMutableRawPointer
    /// How many positions are there. The writer advances it once all layers have been written.
    var length = 0

    init(_ network: Network, capacity: Int) {
        layers = network.configuration.layerCount
        (heads, headSize) = (network.configuration.keyValueHeadCount, network.configuration.headSize)
        precision = network.keyPrecision
        self.capacity = Self.wholeBlocks(max(1, capacity))
        let bytes = Self.bytes(network.configuration, precision, positions: self.capacity)
        keyStore = .allocate(byteCount: bytes.keys, alignment: 64)
        valueStore = .allocate(byteCount: bytes.values, alignment: 64)
    }

    private init(growing other: KeyValueCache, to capacity: Int) {
        (layers, heads, headSize, precision) = (other.layers, other.heads, other.headSize, other.precision)
        self.capacity = capacity
        keyStore = .allocate(byteCount: layers * other.layerBytes.keys / other.capacity * capacity, alignment: 64)
        valueStore = .allocate(byteCount: layers * other.layerBytes.values / other.capacity * capacity, alignment: 64)
    }

    deinit {
        keyStore.deallocate()
        valueStore.deallocate()
    }

    /// Of all layers.
    static func bytes(_ c: TransformerConfiguration, _ precision: Precision, positions: Int) -> (keys: Int, values: Int) {
        let (heads, size) = (c.keyValueHeadCount, c.headSize)
        return (
            c.layerCount * KeyBlocks.keyBytes(heads: heads, headSize: size, precision: precision, positions: positions),
            c.layerCount * KeyBlocks.valueBytes(heads: heads, headSize: size, precision: precision, positions: positions)
        )
    }

    private var layerBytes: (keys: Int, values: Int) {
        (
            KeyBlocks.keyBytes(heads: heads, headSize: headSize, precision: precision, positions: capacity),
            KeyBlocks.valueBytes(heads: heads, headSize: headSize, precision: precision, positions: capacity)
        )
    }

    func blocks(_ layer: Int) -> KeyBlocks {
        let bytes = layerBytes
        return KeyBlocks(
            heads: heads, headSize: headSize, precision: precision, capacity: capacity, keys: keyStore + layer * bytes.keys,
            values: valueStore + layer * bytes.values)
    }

    static func wholeBlocks(_ positions: Int) -> Int { (positions + KeyBlocks.length - 1) / KeyBlocks.length * KeyBlocks.length }

    /// Positions that there is room for at first in the cache of a response, with those of its prompt's last block.
    static func firstCapacity(_ maxNewTokens: Int) -> Int { wholeBlocks(KeyBlocks.length - 1 + max(1, min(32, maxNewTokens))) }

    /// What `first` has become by doubling when there is room for `rows` positions, reserved one by one.
    static func capacity(holding rows: Int, first: Int) -> Int {
        var capacity = first
        while capacity < rows { capacity *= 2 }
        return capacity
    }

    /// Makes room for `rows` more positions.
    func reserve(_ rows: Int) {
        guard length + rows > capacity else { return }
        let grown = KeyValueCache(growing: self, to: Self.capacity(holding: length + rows, first: capacity))
        for layer in 0..<layers { grown.blocks(layer).copy(length, of: blocks(layer), from: 0) }
        swap(&keyStore, &grown.keyStore)
        swap(&valueStore, &grown.valueStore)
        swap(&capacity, &grown.capacity)
    }

    /// Begins anew behind the whole blocks of a prompt, with a copy of the rest of it: a block of keys lies in one cache.
    func begin(behind prompt: KeyValueCache) {
        length = 0
        let first = prompt.wholeBlocks, rest = prompt.length - first
        reserve(rest)
        if rest > 0 { for layer in 0..<layers { blocks(layer).copy(rest, of: prompt.blocks(layer), from: first) } }
        length = rest
    }

    /// How many of its positions are in blocks that are full.
    var wholeBlocks: Int { length / KeyBlocks.length * KeyBlocks.length }

    /// Puts `rows` rows, all heads side by side, behind those that are there.
    func write(layer: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, rows: Int) {
        let blocks = blocks(layer)
        for head in 0..<heads { blocks.store(head: head, keys: keys, values: values, stride: heads * headSize, rows: rows, at: length) }
    }
}
