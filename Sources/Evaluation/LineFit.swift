/// The least-squares line of y against x through points that count alike, and Pearson's correlation.
struct LineFit: Equatable {
    /// Of y per unit of x.
    let slope: Double
    /// y where x is 0.
    let intercept: Double
    /// −1 … 1; nil where all y are equal.
    let correlation: Double?

    /// Values whose difference is no larger than this share of their size are equal: what differs is their rounding.
    private static let rounding = 1e-12

    /// Nil when all x are equal, as no line is the best one then, and so without points or with one.
    init?(_ points: [(x: Double, y: Double)]) {
        guard !Self.areEqual(points.map(\.x)) else { return nil }
        let count = Double(points.count)
        let mean = (x: points.reduce(0) { $0 + $1.x } / count, y: points.reduce(0) { $0 + $1.y } / count)
        var (xx, xy, yy) = (0.0, 0.0, 0.0)
        for point in points {
            let (dx, dy) = (point.x - mean.x, point.y - mean.y)
            xx += dx * dx
            xy += dx * dy
            yy += dy * dy
        }
        slope = xy / xx
        intercept = mean.y - slope * mean.x
        correlation = Self.areEqual(points.map(\.y)) ? nil : max(-1, min(1, xy / (xx.squareRoot() * yy.squareRoot())))
    }

    private static func areEqual(_ values: [Double]) -> Bool {
        guard let least = values.min(), let most = values.max() else { return true }
        return most - least <= rounding * max(abs(least), abs(most))
    }
}
