/// A figure of a run by step, with its running mean.
struct Series: Sendable, Equatable {
    struct Point: Sendable, Equatable {
        var step: Int
        var value: Double
        /// Of the last ``window`` values, this one included.
        var mean: Double
    }

    private(set) var points: [Point]
    /// How many steps the running mean is of: a fortieth of them, at most 200.
    let window: Int

    /// Steps without a finite value are left out. Steps ascend.
    init(_ values: [(step: Int, value: Double)]) {
        let values = values.filter(\.value.isFinite)
        let window = min(200, max(1, values.count / 40))
        var sum = 0.0
        points = values.indices.map { index in
            sum += values[index].value
            if index >= window { sum -= values[index - window].value }
            return Point(step: values[index].step, value: values[index].value, mean: sum / Double(min(index + 1, window)))
        }
        self.window = window
    }

    /// What can be told apart in a drawing of so many columns: the first and the last point, and of each column the least and the
    /// greatest, as they are. Few enough points are all kept.
    func decimated(columns: Int) -> Series {
        guard points.count > 2 * columns, let first = points.first, let last = points.last else { return self }
        func column(_ point: Point) -> Int { (point.step - first.step) * columns / (last.step - first.step + 1) }
        var (kept, start) = ([0], 0)
        while start < points.count {
            var (end, least, greatest) = (start, start, start)
            while end < points.count, column(points[end]) == column(points[start]) {
                if points[end].value < points[least].value { least = end }
                if points[end].value > points[greatest].value { greatest = end }
                end += 1
            }
            kept += [min(least, greatest), max(least, greatest)]
            start = end
        }
        kept.append(points.count - 1)
        var thinned = self
        thinned.points = kept.indices.filter { $0 == 0 || kept[$0] > kept[$0 - 1] }.map { points[kept[$0]] }
        return thinned
    }
}
