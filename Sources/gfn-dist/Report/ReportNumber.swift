internal import Evaluation
internal import Foundation

/// Numbers as the report shows them.
enum ReportNumber {
    /// With so many significant digits and no zeros behind them.
    static func short(_ value: Double, digits: Int = 4) -> String {
        guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
        guard abs(value) >= 1e-4 else { return String(format: "%.\(digits)g", value) }
        var places = digits - 1
        var limit = 10.0
        while places > 0, abs(value) >= limit { (places, limit) = (places - 1, limit * 10) }
        var least = 1.0
        while abs(value) < least { (places, least) = (places + 1, least / 10) }
        let text = decimals(value, places)
        guard text.contains(".") else { return text }
        let end = text.lastIndex { $0 != "0" } ?? text.startIndex
        let cut = text[end] == "." ? text[..<end] : text[...end]
        return cut == "-0" ? "0" : String(cut)
    }

    /// At the mark of an axis whose ticks so many digits after the point tell apart.
    static func tick(_ value: Double, digits: Int) -> String {
        switch abs(value) {
        case 1e9...: short(value / 1e9, digits: 3) + "G"
        case 1e6...: short(value / 1e6, digits: 3) + "M"
        case 1e4...: short(value / 1e3, digits: 3) + "k"
        default: decimals(value, digits)
        }
    }

    /// A share as percent.
    static func percent(_ share: Double) -> String { decimals(100 * share, abs(share) < 0.1 && share != 0 ? 1 : 0) + " %" }

    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "\(seconds) s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(decimals(seconds, 1)) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        }
    }
}

/// How a figure of an evaluation is written.
enum FigureForm: Sendable {
    case percent, number

    func text(_ value: Double) -> String {
        switch self {
        case .percent: decimals(100 * value, 1) + " %"
        case .number: ReportNumber.short(value, digits: 3)
        }
    }

    /// Its 95 % interval; nil where nothing is known of it.
    func interval(of estimate: Estimate) -> String? {
        guard estimate.low < estimate.high else { return nil }
        switch self {
        case .percent: return "\(decimals(100 * estimate.low, 1)) – \(decimals(100 * estimate.high, 1)) %"
        case .number: return "\(text(estimate.low)) – \(text(estimate.high))"
        }
    }
}
