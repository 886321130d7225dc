import Foundation
import Testing

@testable import Evaluation

@Suite("The picture of accuracy against distinct solutions")
struct TradeoffPlotTests {
    @Test("a drawing is XML with a point per temperature, a curve per set and an entry for each in the legend")
    func parts() {
        let points: [(Double?, accuracy: Double, distinct: Double)] = [(0.6, 0.8, 1), (1, 0.7, 2), (1.2, 0.5, 3)]
        let drawing = Drawing(
            TradeoffPlot([
                Handmade.curve("ours", points), Handmade.curve("base", points), Handmade.curve("ours", on: "roots", [(1, 0.1, 1)]),
            ]).svg)
        #expect(drawing.isWellFormed)
        #expect(drawing.styled("point").count == 7 && drawing.titles.count == 7 && drawing.styled("bar").count == 14)
        #expect(drawing.styled("key").count == 2 && drawing.styled("panel").count == 2)
        // A set with one temperature has no curve; those of the legend are lines.
        #expect(drawing.elements.filter { $0.name == "polyline" && $0.attributes["class"]?.hasPrefix("curve") == true }.count == 2)
        #expect(drawing.titles[0] == "ours, temperature 0.6: accuracy 80.0 [80.0, 80.0] %, distinct correct solutions 1.00 [1.00, 1.00]")
        #expect(drawing.styled("label").count == 7 && Set(drawing.texts).isSuperset(of: ["0.6", "1.2", "accuracy of the samples (%)"]))
    }

    @Test("points and bars are where the axes say")
    func coordinates() throws {
        let summary = Handmade.set(
            "ours",
            [
                0.5: Handmade.temperature(accuracy: Handmade.estimate(0.25, 0, 0.5), distinct: Handmade.estimate(2, 1, 4)),
                1: Handmade.temperature(accuracy: Handmade.estimate(0.75, 0.5, 1), distinct: Handmade.estimate(6, 5, 10)),
            ])
        let drawing = Drawing(TradeoffPlot([summary]).svg)
        // x: 0 … 100 over 576 from 62. y: 1 … 10 and 6 % of 9 at both ends are 0.46 … 10.54 over 356, down to 87 + 34 + 356.
        func x(_ percent: Double) -> Double { 62 + 5.76 * percent }
        func y(_ count: Double) -> Double { 477 - 356 * (count - 0.46) / 10.08 }
        func number(_ element: [String: String], _ name: String) throws -> Double { try #require(element[name].flatMap(Double.init)) }
        let bars = try drawing.styled("bar").map { bar in try ["x1", "y1", "x2", "y2"].map { try number(bar, $0) } }
        let expected = [
            [x(0), y(2), x(50), y(2)], [x(25), y(1), x(25), y(4)], [x(50), y(6), x(100), y(6)], [x(75), y(5), x(75), y(10)],
        ]
        try #require(bars.count == 4)
        for (bar, expected) in zip(bars, expected) {
            for (a, b) in zip(bar, expected) { #expect(abs(a - b) < 0.006, "\(bar) \(expected)") }
        }
        let circles = drawing.elements.filter { $0.name == "circle" }.dropFirst()
        let centers = try circles.map { try [number($0.attributes, "cx"), number($0.attributes, "cy")] }
        for (center, expected) in zip(centers, [[x(25), y(2)], [x(75), y(6)]]) {
            for (a, b) in zip(center, expected) { #expect(abs(a - b) < 0.006) }
        }
        #expect(centers.count == 2)
        #expect(Set(drawing.texts).isSuperset(of: ["0", "20", "100", "2", "4", "10"]))
    }

    @Test("a drawing needs nothing from outside, knows light and dark, and is the same each time")
    func selfContained() {
        let summaries = [Handmade.curve("ours", [(0.6, 0.8, 1), (1, 0.7, 2), (nil, 0.5, 3)])]
        let svg = TradeoffPlot(summaries).svg
        #expect(!svg.contains("<script") && svg.split(separator: "http").count == 2 && svg.contains("xmlns=\"http://www.w3.org/2000/svg\""))
        #expect(svg.contains("prefers-color-scheme:dark") && !svg.contains("url(") && !svg.contains("@import"))
        #expect(svg == TradeoffPlot(summaries).svg)
    }

    @Test("an unknown temperature has a point, and no place on the curve")
    func unknown() {
        let drawing = Drawing(TradeoffPlot([Handmade.curve("ours", [(0.6, 0.8, 1), (nil, 0.5, 3), (1, 0.7, 2)])]).svg)
        let curve = drawing.elements.first { $0.name == "polyline" && $0.attributes["class"]?.hasPrefix("curve") == true }
        #expect(curve?.attributes["points"]?.split(separator: " ").count == 2)
        #expect(drawing.styled("point").count == 3 && drawing.texts.contains("unknown"))
    }

    @Test("a temperature without a count at the threshold has no point, nor one whose figures are not numbers")
    func absent() {
        let summary = Handmade.curve("ours", [(0.6, 0.8, 1), (1, .nan, 2)])
        #expect(Drawing(TradeoffPlot([summary]).svg).styled("point").count == 1)
        let other = Drawing(TradeoffPlot([summary], threshold: 0.5).svg)
        #expect(other.isWellFormed && other.styled("point").isEmpty && other.texts.contains("no values"))
    }

    private static var degenerate: [[EvaluationSummary]] {
        let points: [[(Double?, accuracy: Double, distinct: Double)]] = [
            [(0.6, 0, 0), (1, 0, 0)], [(0.6, 1, 1), (1, 1, 1)], [(nil, 0.5, 3)], [(0.6, 0.5, 1), (1, 0.5 + 1e-12, 1 + 1e-12)],
            [(0.6, 0.5, 1), (1, 0.5, 1e12)],
        ]
        let long = Handmade.curve(String(repeating: "<&\"'>\u{0}数", count: 50), on: "]]>\u{FFFE}&amp;", [(1, 0.5, 3)])
        let many = (0..<9).map { (set: Int) -> EvaluationSummary in
            var points: [(Double?, accuracy: Double, distinct: Double)] = []
            for index in 1...6 { points.append((Double(index) / 5, Double(set * index) / 60, Double(7 - index))) }
            return Handmade.curve("set \(set)", points)
        }
        return points.map { [Handmade.curve("points", $0)] } + [[], [Handmade.set(nil, [:])], [long], many]
    }

    @Test("every input has a drawing with finite places within it", arguments: degenerate)
    func finite(summaries: [EvaluationSummary]) throws {
        let svg = TradeoffPlot(summaries).svg
        let drawing = Drawing(svg)
        #expect(drawing.isWellFormed && !svg.contains("nan") && !svg.contains("inf"), "\(svg)")
        let height = try #require(drawing.elements.first?.attributes["height"].flatMap(Double.init))
        for coordinate in drawing.coordinates {
            let coordinate = try #require(coordinate)
            #expect(coordinate >= 0 && coordinate <= max(height, 960), "\(coordinate)")
        }
        #expect(drawing.styled("point").count == summaries.map(\.all.temperatures.count).reduce(0, +))
    }

    @Test("ticks are round numbers within the axis, and told apart by their digits")
    func ticks() {
        let percent = PlotAxis(covering: [52, 74], within: 0...100, span: 2, steps: 6)
        #expect(percent.ticks == [55, 60, 65, 70, 75] && percent.digits == 0)
        let narrow = PlotAxis(covering: [1.5, 1.5], within: 0...1e9, span: 0.5, steps: 6)
        #expect(narrow.ticks == [1.3, 1.4, 1.5, 1.6, 1.7] && narrow.digits == 1 && narrow.low == 1.25 && narrow.position(of: 1.5) == 0.5)
        let bounded = PlotAxis(covering: [100], within: 0...100, span: 2, steps: 6)
        #expect(bounded.low == 99 && bounded.high == 100 && bounded.ticks.last == 100)
        #expect(PlotAxis(covering: [], within: 0...100, span: 2, steps: 6).ticks == [0, 0.2, 0.4, 0.6, 0.8, 1])
    }

    @Test("labels of points in one place do not lie on each other")
    func labels() {
        var placement = LabelPlacement(within: PlotBox(x: 0, y: 0, width: 200, height: 200))
        let point = PlotPoint(x: 100, y: 100)
        placement.avoid(marker: point)
        let boxes = (0..<8).map { _ in placement.place(width: 20, height: 10, beside: point) }
        for (index, box) in boxes.enumerated() {
            #expect(box.overlap(with: PlotBox(x: 96, y: 96, width: 8, height: 8)) == 0)
            for other in boxes[..<index] { #expect(box.overlap(with: other) == 0) }
        }
    }
}
