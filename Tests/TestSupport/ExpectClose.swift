import Foundation
public import Testing

/// Expects two sequences of numbers to agree elementwise within `absolute + relative · |expected|`.
///
/// Counts must be equal, a NaN never passes, and a failure names the worst element.
public func expectClose<A: BinaryFloatingPoint, E: BinaryFloatingPoint>(
    _ actual: [A], _ expected: [E], relative: Double = 1e-6, absolute: Double = 0, _ label: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record("\(label): \(actual.count) numbers where \(expected.count) are expected", sourceLocation: sourceLocation)
        return
    }
    var worst: (index: Int, excess: Double)?
    for (index, pair) in zip(actual, expected).enumerated() {
        let (a, e) = (Double(pair.0), Double(pair.1))
        let excess = a == e ? 0 : abs(a - e) / (absolute + relative * abs(e))
        let measured = excess.isNaN ? Double.infinity : excess
        if measured > 1, measured > (worst?.excess ?? 0) { worst = (index, measured) }
    }
    if let worst {
        Issue.record(
            "\(label): element \(worst.index) is \(actual[worst.index]), expected \(expected[worst.index]): \(worst.excess) times the tolerance",
            sourceLocation: sourceLocation)
    }
}

/// The one-number form.
public func expectClose<A: BinaryFloatingPoint, E: BinaryFloatingPoint>(
    _ actual: A, _ expected: E, relative: Double = 1e-6, absolute: Double = 0, _ label: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectClose([actual], [expected], relative: relative, absolute: absolute, label, sourceLocation: sourceLocation)
}
