/// A cloud of equal marks as one path, a few bytes each: places are whole tenths, relative to the one before in reading order, so that no
/// rounding adds up. Discs and squares are strokes of a path without length or as long as it is wide.
struct PlotDots {
    enum Shape {
        case disc, square
        /// Triangles that point at the edge behind which the place is.
        case below, left
    }

    var shape: Shape
    /// How large a mark is across.
    var size: Double

    /// - Parameters:
    ///   - color: a class of the sheet such as "s0".
    ///   - role: in addition, what the marks are; "key" in a legend.
    func path(_ places: [PlotPoint], color: String, role: String, title: String) -> String {
        let width = Self.tenths(size)
        let stroke =
            switch shape {
            case .disc: " style=\"stroke-width:\(width);stroke-linecap:round\""
            case .square: " style=\"stroke-width:\(width);stroke-linecap:butt\""
            // The sheet's width of lines around filled shapes is of whole units, a tenth of one here.
            case .below, .left: " style=\"stroke-width:8\""
            }
        let base = shape == .disc || shape == .square ? "curve" : "point"
        return "<path class=\"\(base) \(color) \(role)\" transform=\"scale(.1)\"\(stroke) d=\"\(data(places))\">"
            + "<title>\(SVG.escaped(title))</title></path>"
    }

    private func data(_ places: [PlotPoint]) -> String {
        let width = Self.tenths(size), half = width / 2
        // What draws a mark, from where to where it begins, and how far to the right it leaves the pen.
        let (mark, dx, dy, advance) =
            switch shape {
            case .disc: ("h0", 0, 0, 0)
            case .square: ("h\(width)", -half, 0, width)
            case .below: ("h\(width)l-\(half) \(width)z", -half, -width, 0)
            case .left: ("v\(width)l-\(width)-\(half)z", width, -half, 0)
            }
        let starts = places.map { (x: Self.tenths($0.x) + dx, y: Self.tenths($0.y) + dy) }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
        var (text, pen) = ("", (x: 0, y: 0))
        for start in starts {
            let (x, y) = (start.x - pen.x, start.y - pen.y)
            text += "m\(x)\(y < 0 ? "" : " ")\(y)\(mark)"
            pen = (start.x + advance, start.y)
        }
        return text
    }

    private static func tenths(_ length: Double) -> Int { Int((length * 10).rounded()) }
}
