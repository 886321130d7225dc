import Foundation
import Testing

@testable import Evaluation

@Suite("The picture of a process reward model's reliability")
struct ReliabilityPlotTests {
    private static let solutions = judgedSolutions([
        [(0.25, true), (0.25, false), (0.95, true)], [(0.95, true), (0.95, true)], [(0.95, false), (0.45, true), (0.45, false)],
    ])

    @Test("there is a point and a column for each bin that is not empty, where the axes say")
    func coordinates() throws {
        let figures = StepFigures(Self.solutions, resamples: 50)
        let drawing = Drawing(ReliabilityPlot(figures, name: "held out").svg)
        #expect(drawing.isWellFormed && drawing.styled("point").count == 3 && drawing.styled("key").count == 3)
        // 0 … 1 over 440 from 72, and over 380 down to 470. Of 8 steps 2, 2 and 4 are in the bins.
        let circles = drawing.elements.filter { $0.name == "circle" }.map(\.attributes)
        let expected = [("182.00", "280.00"), ("270.00", "280.00"), ("490.00", "185.00")]
        #expect(circles.map { $0["cx"] } == expected.map { $0.0 } && circles.map { $0["cy"] } == expected.map { $0.1 })
        // Columns: 0 … 53 % over 84 up from 634, 44 wide with 3 left free on both sides.
        let columns = drawing.elements.filter { $0.name == "rect" }.dropFirst().map(\.attributes)
        #expect(columns.map { $0["x"] } == ["163.00", "251.00", "471.00"] && columns.allSatisfy { $0["width"] == "38.00" })
        let heights = columns.compactMap { $0["height"].flatMap(Double.init) }
        for (height, share) in zip(heights, [25.0, 25, 50]) { #expect(abs(height - 84 * share / 53) < 0.006, "\(heights)") }
        #expect(heights.count == 3)
        #expect(drawing.titles[2] == "scores 0.9 to 1.0: 4 steps, mean score 0.950, share of good steps 0.750")
        let title = "Reliability of step scores: calibration error \(figures.calibrationError.text(3))"
        let texts: Set = [title, "held out: 8 steps of 3 solutions", "4", "share of good steps"]
        #expect(texts.isSubset(of: drawing.texts), "\(drawing.texts)")
    }

    @Test("a drawing needs nothing from outside, knows light and dark, and is the same each time")
    func selfContained() {
        let figures = StepFigures(Self.solutions, resamples: 50)
        let svg = ReliabilityPlot(figures).svg
        #expect(!svg.contains("<script") && svg.split(separator: "http").count == 2 && svg.contains("prefers-color-scheme:dark"))
        #expect(svg == ReliabilityPlot(figures).svg)
    }

    @Test("every input has a drawing with finite places within it")
    func finite() throws {
        let inputs = [
            judgedSolutions([[(0, false)]]), judgedSolutions([[(1, true), (1, true)], [(1, false)]]), judgedSolutions([[(0.5, true)]]),
            judgedSolutions((0..<3000).map { [(Double($0) / 2999, $0 % 3 == 0)] }),
        ]
        for (solutions, points) in zip(inputs, [1, 1, 1, 10]) {
            let svg = ReliabilityPlot(StepFigures(solutions, resamples: 20), name: String(repeating: "<&\"数\u{0}", count: 40)).svg
            let drawing = Drawing(svg)
            #expect(drawing.isWellFormed && !svg.contains("nan") && !svg.contains("inf"), "\(svg)")
            #expect(drawing.styled("point").count == points)
            for coordinate in drawing.coordinates {
                let coordinate = try #require(coordinate)
                #expect(coordinate >= 0 && coordinate <= 690, "\(coordinate)")
            }
        }
    }
}
