import Foundation
public import Testing

/// Expects two sequences of numbers to agree elementwise within `absolute + relative · |expected|`.
///
/// Counts must be equal, a NaN never passes, and a failure names the worst element. Returns the share of the tolerance that
/// the worst element takes; infinite when it is none.
@discardableResult
public func expectClose<A: BinaryFloatingPoint, E: BinaryFloatingPoint>(
    _ actual: [A], _ expected: [E], relative: Double = 1e-6, absolute: Double = 0, _ label: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
    guard actual.count == expected.count else {
        Issue.record("\(label): \(actual.count) numbers where \(expected.count) are expected", sourceLocation: sourceLocation)
        return .infinity
    }
    var worst = (index: 0, excess: 0.0)
    for (index, pair) in zip(actual, expected).enumerated() {
        let (a, e) = (Double(pair.0), Double(pair.1))
        let excess = a == e ? 0 : abs(a - e) / (absolute + relative * abs(e))
        let measured = excess.isNaN ? Double.infinity : excess
        if measured > worst.excess { worst = (index, measured) }
    }
    if worst.excess > 1 {
        Issue.record(
            "\(label): element \(worst.index) is \(actual[worst.index]), expected \(expected[worst.index]): \(worst.excess) times the tolerance",
            sourceLocation: sourceLocation)
    }
    return worst.excess
}

/// The one-number form.
@discardableResult
public func expectClose<A: BinaryFloatingPoint, E: BinaryFloatingPoint>(
    _ actual: A, _ expected: E, relative: Double = 1e-6, absolute: Double = 0, _ label: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
    expectClose([actual], [expected], relative: relative, absolute: absolute, label, sourceLocation: sourceLocation)
}
