internal import Tensor

/// The keys and values of one stretch of a sequence in every layer: [layers, capacity, E] each, growing by doubling.
final class KeyValueCache {
    private let layers: Int
    /// E: all key heads side by side.
    let width: Int
    /// What is written has been rounded to it.
    let precision: Precision
    private var capacity: Int
    private var keyStore, valueStore: UnsafeMutableRawBufferPointer
    /// How many positions are there. The writer advances it once all layers have been written.
    var length = 0

    init(layers: Int, width: Int, precision: Precision, capacity: Int) {
        (self.layers, self.width, self.precision) = (layers, width, precision)
        self.capacity = max(1, capacity)
        let byteCount = layers * self.capacity * width * precision.byteCount
        keyStore = .allocate(byteCount: byteCount, alignment: 64)
        valueStore = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        keyStore.deallocate()
        valueStore.deallocate()
    }

    func keys(_ layer: Int) -> UnsafeMutableRawPointer { row(0, of: keyStore, layer) }
    func values(_ layer: Int) -> UnsafeMutableRawPointer { row(0, of: valueStore, layer) }

    private func row(_ position: Int, of store: UnsafeMutableRawBufferPointer, _ layer: Int) -> UnsafeMutableRawPointer {
        // A store is not empty.
        store.baseAddress.unsafelyUnwrapped + (layer * capacity + position) * width * precision.byteCount
    }

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
        let grown = KeyValueCache(
            layers: layers, width: width, precision: precision, capacity: Self.capacity(holding: length + rows, first: capacity))
        for layer in 0..<layers {
            let byteCount = length * width * precision.byteCount
            grown.keys(layer).copyMemory(from: keys(layer), byteCount: byteCount)
            grown.values(layer).copyMemory(from: values(layer), byteCount: byteCount)
        }
        swap(&keyStore, &grown.keyStore)
        swap(&valueStore, &grown.valueStore)
        swap(&capacity, &grown.capacity)
    }

    /// Puts `rows` rows behind those that are there.
    func write(layer: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, rows: Int) {
        precondition(length + rows <= capacity, "\(length) + \(rows) positions in a cache of \(capacity)")
        for (store, source) in [(keyStore, keys), (valueStore, values)] {
            let target = row(length, of: store, layer)
            switch precision {
            case .fp32: target.copyMemory(from: source, byteCount: rows * width * precision.byteCount)
            case .bf16: Kernel.roundToBFloat16(source, count: rows * width, into: target.assumingMemoryBound(to: UInt16.self))
            }
        }
    }
}
