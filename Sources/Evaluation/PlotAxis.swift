/// A line from one value to another with marks at round ones: multiples of 1, 2 or 5 times a power of ten.
package struct PlotAxis: Equatable {
    package private(set) var low: Double
    package private(set) var high: Double
    /// Ascending, from `low` to `high`.
    package private(set) var ticks: [Double]
    /// After the point, which tell the ticks apart.
    package private(set) var digits: Int

    /// Covers the values with room at both ends, though not beyond the bounds, which hold all values; of values closer together than
    /// `span` it shows that much around them, so that a small difference does not look like a large one. Without values it is from
    /// 0 to 1. `count` is how many steps there are at most.
    package init(covering values: [Double], within bounds: ClosedRange<Double>, span: Double, steps count: Int) {
        let least = values.min() ?? 0, most = values.max() ?? 1
        let room = values.isEmpty ? 0 : Swift.max((most - least) * 0.06, (span - (most - least)) / 2)
        (low, high) = (Swift.max(bounds.lowerBound, least - room), Swift.min(bounds.upperBound, most + room))
        var (mantissa, exponent) = (1, -9)
        func step() -> Double { Self.scaled(Double(mantissa), exponent) }
        while (high - low) / step() > Double(count), exponent < 15 {
            (mantissa, exponent) = mantissa == 1 ? (2, exponent) : mantissa == 2 ? (5, exponent) : (1, exponent + 1)
        }
        // A mark that rounding puts a little beyond an end is at it.
        let first = (low / step() - 1e-6).rounded(.up), last = (high / step() + 1e-6).rounded(.down)
        ticks = (0...Swift.max(0, Int(last - first))).map { Self.scaled((first + Double($0)) * Double(mantissa), exponent) }
        digits = Swift.max(0, -exponent)
    }

    /// Where a value is on the way from `low` (0) to `high` (1).
    package func position(of value: Double) -> Double { (value - low) / (high - low) }

    /// By a power of ten without rounding twice, so that 3 · 10⁻¹ is 0.3.
    private static func scaled(_ value: Double, _ exponent: Int) -> Double {
        let power = (0..<abs(exponent)).reduce(1.0) { power, _ in power * 10 }
        return exponent < 0 ? value / power : value * power
    }
}
