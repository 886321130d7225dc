/// Elements of a drawing, written with two digits after the point, so that equal drawings are equal bytes.
enum SVG {
    /// A whole drawing, ending with a newline. `label` says what it is to those who cannot see it.
    static func document(_ elements: [String], label: String, width: Double, height: Double) -> String {
        let (w, h) = (fixed(width, 0), fixed(height, 0))
        let opening =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(w)\" height=\"\(h)\" viewBox=\"0 0 \(w) \(h)\" role=\"img\" "
            + "aria-label=\"\(escaped(label))\">"
        let lines = [opening, "<style>", PlotStyle.sheet, "</style>", "<rect class=\"ground\" width=\"\(w)\" height=\"\(h)\"/>"]
        return (lines + elements + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    /// A value of an attribute, or text between tags.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.singleLine.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func text(_ text: String, x: Double, y: Double, style: String, turned: Bool = false) -> String {
        let turn = turned ? " transform=\"rotate(-90 \(fixed(x, 2)) \(fixed(y, 2)))\"" : ""
        return "<text class=\"\(style)\" x=\"\(fixed(x, 2))\" y=\"\(fixed(y, 2))\"\(turn)>\(escaped(text))</text>"
    }

    static func line(from a: PlotPoint, to b: PlotPoint, style: String) -> String {
        "<line class=\"\(style)\" x1=\"\(fixed(a.x, 2))\" y1=\"\(fixed(a.y, 2))\" x2=\"\(fixed(b.x, 2))\" y2=\"\(fixed(b.y, 2))\"/>"
    }

    static func curve(through points: [PlotPoint], style: String) -> String {
        "<polyline class=\"\(style)\" points=\"\(list(points))\"/>"
    }

    /// A sign for a set, about ten across: one of eight that differ in shape.
    static func marker(_ number: Int, at center: PlotPoint, style: String, title: String? = nil) -> String {
        func polygon(_ offsets: [(Double, Double)]) -> String {
            "<polygon points=\"\(list(offsets.map { PlotPoint(x: center.x + $0.0, y: center.y + $0.1) }))\"/>"
        }
        func rectangle(_ width: Double, _ height: Double) -> String {
            Self.rectangle(PlotBox(x: center.x - width / 2, y: center.y - height / 2, width: width, height: height))
        }
        let shape =
            switch number % markerCount {
            case 0: "<circle cx=\"\(fixed(center.x, 2))\" cy=\"\(fixed(center.y, 2))\" r=\"4.50\"/>"
            case 1: rectangle(8, 8)
            case 2: polygon([(0, -5.5), (5.2, 4), (-5.2, 4)])
            case 3: polygon([(0, -6), (6, 0), (0, 6), (-6, 0)])
            case 4: polygon([(0, 5.5), (5.2, -4), (-5.2, -4)])
            case 5: polygon([(-6, -3), (-3, -6), (0, -3), (3, -6), (6, -3), (3, 0), (6, 3), (3, 6), (0, 3), (-3, 6), (-6, 3), (-3, 0)])
            case 6: rectangle(12, 5)
            default: rectangle(5, 12)
            }
        return group(shape, style: style, title: title)
    }

    /// A filled box.
    static func column(_ box: PlotBox, style: String, title: String) -> String { group(rectangle(box), style: style, title: title) }

    private static func rectangle(_ box: PlotBox) -> String {
        let (width, height) = (fixed(box.width, 2), fixed(box.height, 2))
        return "<rect x=\"\(fixed(box.x, 2))\" y=\"\(fixed(box.y, 2))\" width=\"\(width)\" height=\"\(height)\"/>"
    }

    private static func group(_ shape: String, style: String, title: String?) -> String {
        let tooltip = title.map { "<title>\(escaped($0))</title>" } ?? ""
        return "<g class=\"\(style)\">\(tooltip)\(shape)</g>"
    }

    static let markerCount = 8

    private static func list(_ points: [PlotPoint]) -> String {
        points.map { "\(fixed($0.x, 2)),\(fixed($0.y, 2))" }.joined(separator: " ")
    }
}

/// A place in a drawing: x to the right, y down.
package struct PlotPoint: Equatable {
    package var x, y: Double

    package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
}

/// A part of a drawing that something takes up.
package struct PlotBox: Equatable, Sendable {
    package var x, y, width, height: Double

    package init(x: Double, y: Double, width: Double, height: Double) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    func overlap(with other: PlotBox) -> Double {
        let across = min(x + width, other.x + other.width) - max(x, other.x)
        let down = min(y + height, other.y + other.height) - max(y, other.y)
        return across > 0 && down > 0 ? across * down : 0
    }
}
