/// A cloud of equal marks as one path, about twelve bytes each. Places are whole tenths; they are absolute, as programs that draw round
/// each relative move, which drifts by pixels over thousands of them. Discs and squares are strokes without length or as long as they are
/// wide.
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
    ///   - role: another class, which says what the marks are and has no rule in the sheet.
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
        // What draws a mark, and from where.
        let (mark, dx, dy) =
            switch shape {
            case .disc: ("h0", 0, 0)
            case .square: ("h\(width)", -half, 0)
            case .below: ("h\(width)l-\(half) \(width)z", -half, -width)
            case .left: ("v\(width)l-\(width)-\(half)z", width, -half)
            }
        return places.map { "M\(Self.tenths($0.x) + dx) \(Self.tenths($0.y) + dy)\(mark)" }.joined()
    }

    private static func tenths(_ length: Double) -> Int { Int((length * 10).rounded()) }
}
