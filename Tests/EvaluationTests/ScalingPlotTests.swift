import Testing

@testable import Evaluation

@Suite("Picture of a cost over the size of a model")
struct ScalingPlotTests {
    @Test("numbers have three digits and a unit")
    func numbers() {
        let texts: [(Double, String)] = [
            (1, "1"), (0.01, "0.01"), (0.0123, "0.0123"), (0.5, "0.5"), (1.5, "1.50"), (10, "10"), (53.14, "53.1"), (999, "999"),
            (1000, "1 k"), (800_128, "800 k"), (134.5e6, "134 M"), (8.03e9, "8.03 G"), (1e10, "10 G"),
        ]
        for (value, text) in texts { #expect(compact(value) == text) }
    }

    @Test("what grows as its work does lies on the dashed line, and what grows less lies below it")
    func asWork() {
        func series(_ name: String, _ milliseconds: [Double]) -> ScalingPlot.Series {
            ScalingPlot.Series(
                name: name,
                points: zip([1e6, 1e8, 1e10], milliseconds).map { .init(parameters: $0, milliseconds: $1, gigaflops: 2 * $0 / 1e9) })
        }
        let same = series("a", [0.01, 1, 100]), less = series("b", [0.1, 1, 10])
        #expect(zip(same.asWork, [0.01, 1, 100]).allSatisfy { abs($0 - $1) < 1e-9 * $1 })
        let svg = ScalingPlot([same, less], note: "a < b & c").svg
        let curves = svg.split(separator: "\n").filter { $0.contains("<polyline") && $0.contains("curve") }
        #expect(curves.count == 4)
        func places(_ line: Substring) -> [Substring] {
            line.split(separator: "\"").last { $0.contains(",") }?.split(separator: " ") ?? []
        }
        #expect(places(curves[0]) == places(curves[1]) && places(curves[2]) != places(curves[3]))
        #expect(places(curves[2])[0] == places(curves[3])[0])
        #expect(svg.contains("a &lt; b &amp; c") && svg.hasSuffix("</svg>\n"))
        // Decades of both axes, and no more.
        for text in [">1 M<", ">10 G<", ">0.01<", ">1 k<"] { #expect(svg.contains(text), "\(text)") }
        #expect(!svg.contains(">100 G<"))
    }
}
