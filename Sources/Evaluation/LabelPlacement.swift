/// Finds places for the labels of points, one after the other, where they hide least.
struct LabelPlacement {
    /// Of which no label leaves more than it must.
    private let area: PlotBox
    private var marks: [PlotBox] = []
    private var labels: [PlotBox] = []

    init(within area: PlotBox) { self.area = area }

    /// Keeps labels away from a marker.
    mutating func avoid(marker center: PlotPoint) { marks.append(PlotBox(x: center.x - 6, y: center.y - 6, width: 12, height: 12)) }

    /// Keeps labels away from a line, as a row of small boxes.
    mutating func avoid(lineFrom a: PlotPoint, to b: PlotPoint) {
        let length = ((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y)).squareRoot()
        let count = Int(length / 3) + 1
        for index in 0...count {
            let share = Double(index) / Double(count)
            marks.append(PlotBox(x: a.x + (b.x - a.x) * share - 1.5, y: a.y + (b.y - a.y) * share - 1.5, width: 3, height: 3))
        }
    }

    /// The upper left corner of the box for a label of this size beside a point: of places around it, nearer ones first, that which
    /// hides least. Labels count for more than lines, which can be followed behind one.
    mutating func place(width: Double, height: Double, beside point: PlotPoint) -> PlotBox {
        var best: (box: PlotBox, cost: Double)?
        for (order, center) in Self.centers(around: point, width: width, height: height).enumerated() {
            let box = PlotBox(x: center.x - width / 2, y: center.y - height / 2, width: width, height: height)
            var cost = Double(order) * 0.4 + (width * height - box.overlap(with: area)) * 20
            for mark in marks { cost += box.overlap(with: mark) }
            for label in labels { cost += box.overlap(with: label) * 30 }
            if cost < best?.cost ?? .infinity { best = (box, cost) }
        }
        let box = best?.box ?? PlotBox(x: point.x + 7, y: point.y - 7 - height, width: width, height: height)
        labels.append(box)
        return box
    }

    private static func centers(around point: PlotPoint, width: Double, height: Double) -> [PlotPoint] {
        [4.0, 9, 15, 22].flatMap { distance in
            let (dx, dy) = (width / 2 + distance, height / 2 + distance)
            let corners = [(dx, -dy), (-dx, -dy), (dx, dy), (-dx, dy)]
            let sides = [(0, -dy - 4), (dx + 4, 0), (-dx - 4, 0), (0, dy + 4)]
            return (corners + sides).map { PlotPoint(x: point.x + $0.0, y: point.y + $0.1) }
        }
    }
}
