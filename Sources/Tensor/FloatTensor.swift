/// A block of Float on 64-byte boundaries, zeroed when it is made unless it is made `unwritten`.
///
/// It owns its memory, or a part of an arena, and hands out the address: whoever writes from several threads writes disjoint ranges, and whoever uses
/// `base` keeps the tensor in a variable meanwhile (`FloatTensor(8).base` dangles).
package final class FloatTensor: @unchecked Sendable {
    package let shape: Shape
    package let base: UnsafeMutablePointer<Float>
    package let count: Int
    /// What it lies in; nil: memory of its own.
    private let arena: MemoryArena?

    package init(_ shape: Shape) {
        self.shape = shape
        arena = nil
        count = shape.count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
        base = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }

    /// A vector in the next part of an arena, as it lies there.
    package init(_ count: Int, in cursor: inout ArenaCursor) {
        shape = Shape([count])
        self.count = count
        arena = cursor.arena
        base = cursor.take(count * MemoryLayout<Float>.stride).bindMemory(to: Float.self, capacity: count)
    }

    package convenience init(_ extents: Int...) { self.init(Shape(extents)) }

    /// Memory that is written before it is read: what lies there is anything.
    package init(unwritten extents: Int...) {
        shape = Shape(extents)
        arena = nil
        count = shape.count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
        base = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    package convenience init(_ values: [Float], shape: Shape) {
        precondition(values.count == shape.count, "\(values.count) numbers do not make a tensor \(shape)")
        self.init(shape)
        values.withUnsafeBufferPointer { source in
            if let first = source.baseAddress { base.update(from: first, count: source.count) }
        }
    }

    deinit { if arena == nil { UnsafeMutableRawPointer(base).deallocate() } }

    /// A copy of all elements in row-major order.
    package var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }

    package func zero() { base.update(repeating: 0, count: count) }
}
