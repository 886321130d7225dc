/// The extents of a row-major array; prints as `[2, 3]` in messages.
package struct Shape: Sendable, Equatable, CustomStringConvertible {
    package let extents: [Int]

    package init(_ extents: Int...) { self.init(extents) }

    package init(_ extents: [Int]) {
        precondition(extents.allSatisfy { $0 >= 0 }, "a shape has no negative extent: \(extents)")
        self.extents = extents
    }

    /// The number of elements: 1 for a shape without extents.
    package var count: Int { extents.reduce(1, *) }

    package subscript(axis: Int) -> Int { extents[axis] }

    package var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
