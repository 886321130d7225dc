internal import Tensor

/// The keys and values of one stretch of a sequence in every layer: [layers, capacity, E] each, growing by doubling.
final class KeyValueCache {
    private let layers: Int
    /// E: all key heads side by side.
    let width: Int
    private var capacity: Int
    private var keyStore, valueStore: FloatTensor
    /// How many positions are there. The writer advances it once all layers have been written.
    var length = 0

    init(layers: Int, width: Int, capacity: Int) {
        self.layers = layers
        self.width = width
        self.capacity = max(1, capacity)
        keyStore = FloatTensor(layers, self.capacity, width)
        valueStore = FloatTensor(layers, self.capacity, width)
    }

    func keys(_ layer: Int) -> UnsafeMutablePointer<Float> { keyStore.base + layer * capacity * width }
    func values(_ layer: Int) -> UnsafeMutablePointer<Float> { valueStore.base + layer * capacity * width }

    /// Positions that there is room for at first in the cache of a response.
    static func firstCapacity(_ maxNewTokens: Int) -> Int { max(1, min(32, maxNewTokens)) }

    /// What `first` has become by doubling when there is room for `rows` positions, reserved one by one.
    static func capacity(holding rows: Int, first: Int) -> Int {
        var capacity = first
        while capacity < rows { capacity *= 2 }
        return capacity
    }

    /// Makes room for `rows` more positions.
    func reserve(_ rows: Int) {
        guard length + rows > capacity else { return }
        let grown = KeyValueCache(layers: layers, width: width, capacity: Self.capacity(holding: length + rows, first: capacity))
        for layer in 0..<layers {
            grown.keys(layer).update(from: keys(layer), count: length * width)
            grown.values(layer).update(from: values(layer), count: length * width)
        }
        (capacity, keyStore, valueStore) = (grown.capacity, grown.keyStore, grown.valueStore)
    }

    /// Puts `rows` rows behind those that are there.
    func write(layer: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, rows: Int) {
        (self.keys(layer) + length * width).update(from: keys, count: rows * width)
        (self.values(layer) + length * width).update(from: values, count: rows * width)
    }
}
