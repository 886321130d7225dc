import Foundation
import Testing

@testable import Evaluation

@Suite("The picture of policy against reward")
struct ProportionalityPlotTests {
    private static func drawing(_ problems: [EndScores]) -> Drawing { Drawing(ProportionalityPlot(HandmadeEnds.certificate(problems)).svg) }

    /// Where the marks of a path begin, in units of the drawing.
    private static func starts(_ path: [String: String]) throws -> [PlotPoint] {
        try #require(path["d"]).split(separator: "M").map { mark in
            let match = try #require(try /(-?\d+) (-?\d+)(?:h\d+|(?:h|v)\d+l-\d+[ -]\d+z)/.wholeMatch(in: mark))
            return PlotPoint(x: try #require(Double(match.1)) / 10, y: try #require(Double(match.2)) / 10)
        }
    }

    private static func paths(_ role: String, of drawing: Drawing) -> [[String: String]] {
        drawing.elements.filter { $0.name == "path" && $0.attributes["class"]?.hasSuffix(" \(role)") == true }.map(\.attributes)
    }

    @Test("points of a perfect policy are on the diagonal, correct ends and others as paths of their own")
    func diagonal() throws {
        let drawing = Self.drawing([HandmadeEnds.proportional()])
        let paths = Self.paths("ends", of: drawing)
        #expect(drawing.isWellFormed && paths.map { $0["class"] } == ["curve s1 ends", "curve s0 ends"])
        // log 0.1 … log 0.4 are 1.39 apart; the axes show 2 around them, but not above 0.
        let frame = PlotBox(x: 72, y: 108, width: 480, height: 480)
        let (low, high) = ((log(0.1) + log(0.4)) / 2 - 1, (log(0.1) + log(0.4)) / 2 + 1)
        let squares = try Self.starts(paths[0]), disc = try Self.starts(paths[1])
        #expect(squares.count == 3 && disc.count == 1)
        // A square begins at its left side, which is half of 7.7 from its middle.
        let places = squares.map { PlotPoint(x: $0.x + 3.8, y: $0.y) } + disc
        for (place, q) in zip(places, [0.1, 0.2, 0.3, 0.4]) {
            let share = (log(q) - low) / (high - low)
            #expect(abs(place.x - (frame.x + share * 480)) < 0.06 && abs(place.y - (frame.y + (1 - share) * 480)) < 0.06, "\(place) \(q)")
        }
        let line = drawing.styled("curve").first { $0["points"] != nil }
        #expect(line?["points"] == "72.00,588.00 552.00,108.00" && line?["class"] == "curve s5 again")
        let texts: Set = [
            "Policy against reward: sums, subtb", "Total variation 0.0000; bound 0.02", "On the dashed line the policy is R/Z.",
            "log R/Z", "log π", "correct ends: 1", "other ends: 3",
        ]
        #expect(texts.isSubset(of: drawing.texts), "\(drawing.texts)")
    }

    @Test("problems with different Z share the diagonal")
    func several() throws {
        let one = HandmadeEnds.proportional(), other = HandmadeEnds.proportional(" 5 2:", [100, 200, 300, 400])
        let paths = [Self.paths("ends", of: Self.drawing([one])), Self.paths("ends", of: Self.drawing([one, other]))]
        let alone = try Self.starts(paths[0][0]), together = try Self.starts(paths[1][0])
        #expect(together == alone + alone)
        let bad = HandmadeEnds.problem(rewards: [1, 2, 3, 4], policy: [0.25, 0.25, 0.25, 0.25])
        let note = "Total variation 0.2000, the worst of 2 problems; bound 0.02"
        #expect(Self.drawing([one, bad]).texts.contains(note))
    }

    @Test("π = 0 and R = 0 are triangles with their tips on the edges")
    func edges() throws {
        let drawing = Self.drawing([
            HandmadeEnds.problem(rewards: [1, 2, 0, 0, 3], policy: [0, 0.4, 0.3, 0, 0.3], correct: 1),
            HandmadeEnds.problem(rewards: [1, 2], policy: [1, 0], correct: 1),
        ])
        let paths = Self.paths("edge", of: drawing)
        #expect(paths.map { $0["class"] } == ["point s1 edge", "point s1 edge", "point s0 edge"])
        let labels = ["other ends: 2", "other ends, π = 0: 2", "other ends, R = 0: 1", "correct ends: 1", "correct ends, π = 0: 1"]
        #expect(Set(labels).isSubset(of: drawing.texts), "\(drawing.texts)")
        let bottom = try #require(drawing.styled("axis").first?["points"]?.split(separator: " ")[1].split(separator: ",").last)
        // Tips are as far below as the triangles are wide.
        let left = try Self.starts(paths[0]), below = try Self.starts(paths[1])
        #expect(below.count == 2 && left.count == 1)
        for start in below { #expect(abs(start.y + 9 - (try #require(Double(bottom)))) < 0.06) }
        #expect(left.map(\.x) == [72 + 9])
        // Neither tip is a place: R = 0 and π = 0 is at both edges, and counts as π = 0.
        #expect(below.map(\.x).min() == 72 - 4.5)
    }

    @Test("every end up to 4,096 of a problem is a point, in few bytes; of more a note says how many")
    func many() throws {
        let scores = HandmadeEnds.scattered(4096, noise: 0.5)
        let svg = ProportionalityPlot(HandmadeEnds.certificate([scores])).svg
        let counts = try Self.paths("ends", of: Drawing(svg)).map { try Self.starts($0).count }
        #expect(counts == [4096 - 512, 512])
        #expect(svg.utf8.count < 60_000, "\(svg.utf8.count)")
        #expect(svg == ProportionalityPlot(HandmadeEnds.certificate([scores])).svg)
        let more = Self.drawing([HandmadeEnds.scattered(9000, noise: 0.5), HandmadeEnds.proportional()])
        #expect(try Self.paths("ends", of: more).map { try Self.starts($0).count }.reduce(0, +) == 4100)
        #expect(more.texts.contains("On the dashed line the policy is R/Z. 4100 of 9004 ends are drawn."))
    }

    @Test("a drawing needs nothing from outside and knows light and dark")
    func selfContained() {
        let svg = ProportionalityPlot(HandmadeEnds.certificate([HandmadeEnds.proportional()])).svg
        #expect(!svg.contains("<script") && svg.split(separator: "http").count == 2 && svg.contains("prefers-color-scheme:dark"))
    }

    private static var degenerate: [[EndScores]] {
        var broken = HandmadeEnds.proportional()
        for (index, value) in [Double.nan, .infinity, -1e300, -Double.infinity].enumerated() { broken.ends[index].logPolicy = value }
        var rewards = HandmadeEnds.proportional()
        for (index, value) in [-1e300, -1e13, 0, -Double.infinity].enumerated() { rewards.ends[index].logReward = value }
        var undefined = HandmadeEnds.proportional()
        undefined.ends[0].logReward = .nan
        return [
            [HandmadeEnds.problem(rewards: [3], policy: [1])], [HandmadeEnds.problem(rewards: [1, 1, 1], policy: [0.2, 0.3, 0.5])],
            [HandmadeEnds.problem(rewards: [0, 0], policy: [0.5, 0.5])], [HandmadeEnds.problem(rewards: [1, 1], policy: [0, 0])],
            [HandmadeEnds.problem(rewards: [1e-300, 1], policy: [1, 1e-300])], [broken], [rewards], [undefined],
        ]
    }

    @Test("every input has a drawing with finite places within it", arguments: degenerate)
    func finite(problems: [EndScores]) throws {
        let plot = ProportionalityPlot(
            Certificate(
                task: String(repeating: "<&\"数\u{0}", count: 40), objective: String(repeating: "数", count: 40), start: "", lag: nil,
                steps: nil, problems: problems))
        let drawing = Drawing(plot.svg)
        #expect(drawing.isWellFormed)
        for coordinate in drawing.coordinates {
            let coordinate = try #require(coordinate, "\(plot.svg)")
            #expect(coordinate >= 0 && coordinate <= 720, "\(coordinate)")
        }
        for place in try (Self.paths("ends", of: drawing) + Self.paths("edge", of: drawing)).flatMap(Self.starts) {
            #expect(place.x >= 62 && place.x <= 562 && place.y >= 60 && place.y <= 700, "\(place)")
        }
    }

    @Test("ends without a number are no points, which a note says; without any there is no cloud")
    func absent() {
        let broken = Self.degenerate[5], undefined = Self.degenerate[7]
        #expect(Self.drawing(broken).texts.contains("On the dashed line the policy is R/Z. 2 of 4 ends are drawn."))
        let drawing = Self.drawing(undefined)
        let texts: Set = ["On the dashed line the policy is R/Z. 0 of 4 ends are drawn.", "no values"]
        #expect(texts.isSubset(of: drawing.texts) && Self.paths("ends", of: drawing).isEmpty)
    }
}
