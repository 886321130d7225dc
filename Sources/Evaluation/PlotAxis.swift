/// A line from one value to another with marks at round ones: multiples of 1, 2 or 5 times a power of ten.
struct PlotAxis: Equatable {
    private(set) var low: Double
    private(set) var high: Double
    /// Ascending, the first at `low` and the last at `high`.
    private(set) var ticks: [Double]
    /// After the point, which tell the ticks apart.
    private(set) var digits: Int

    /// Covers the values with room at both ends, though not beyond the bounds, which hold all values. Values that are all equal are in
    /// its middle, unless a bound is near; without any values it is from 0 to 1.
    init(covering values: [Double], within bounds: ClosedRange<Double>, ticks count: Int) {
        let least = values.min() ?? 0, most = values.max() ?? 1
        let span = most - least
        // Of equal values the width says nothing: it is that of their own size.
        let room = span > 0 ? span * 0.05 : Swift.max(most.magnitude * 0.05, 0.5)
        let from = Swift.max(bounds.lowerBound, least - room), to = Swift.min(bounds.upperBound, most + room)
        var (mantissa, exponent) = (1, -9)
        func step() -> Double { Self.scaled(Double(mantissa), exponent) }
        while (to - from) / step() > Double(count), exponent < 15 {
            (mantissa, exponent) = mantissa == 1 ? (2, exponent) : mantissa == 2 ? (5, exponent) : (1, exponent + 1)
        }
        let first = (from / step()).rounded(.down), last = (to / step()).rounded(.up)
        ticks = (0...Int(last - first)).map { Self.scaled((first + Double($0)) * Double(mantissa), exponent) }
        (low, high) = (ticks[0], ticks[ticks.count - 1])
        digits = Swift.max(0, -exponent)
    }

    /// Where a value is on the way from `low` (0) to `high` (1).
    func position(of value: Double) -> Double { (value - low) / (high - low) }

    /// By a power of ten without rounding twice, so that 3 · 10⁻¹ is 0.3.
    private static func scaled(_ value: Double, _ exponent: Int) -> Double {
        let power = (0..<abs(exponent)).reduce(1.0) { power, _ in power * 10 }
        return exponent < 0 ? value / power : value * power
    }
}
