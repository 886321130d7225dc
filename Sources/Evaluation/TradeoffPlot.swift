/// Accuracy against distinct correct solutions, as a picture: a panel per data set, in it a curve per set of samples with a point per
/// temperature, and 95 % intervals in both directions. What is higher at equal accuracy finds more solutions.
///
/// The drawing needs nothing from outside, and follows the reader's light or dark colours.
package struct TradeoffPlot: Sendable {
    /// One SVG document, ending with a newline. Equal summaries give equal bytes.
    package let svg: String

    static let colorCount = 8

    /// - Parameter threshold: of ROUGE-L, below which two solutions are different. Temperatures without a count at this threshold
    ///   have no point.
    package init(_ summaries: [EvaluationSummary], threshold: Double = 0.7) {
        var labels: [String] = []
        for summary in summaries where !labels.contains(summary.label) { labels.append(summary.label) }
        let panels = EvaluationSummary.byDataset(summaries).map { dataset, summaries in
            PlotPanel(
                title: dataset,
                curves: summaries.map { summary in
                    PlotPanel.Curve(
                        style: labels.firstIndex(of: summary.label) ?? 0, label: summary.label,
                        points: Self.points(of: summary, threshold: threshold))
                })
        }
        svg = Self.document(panels, labels: labels, threshold: threshold)
    }

    private static func points(of summary: EvaluationSummary, threshold: Double) -> [PlotPanel.Point] {
        summary.all.temperatures.sorted { $0.key < $1.key }.compactMap { temperature, figures in
            guard let accuracy = figures[.accuracy]?.inPercent, let distinct = figures[.distinct(.rougeL(threshold))],
                accuracy.isFinite, distinct.isFinite
            else { return nil }
            return PlotPanel.Point(temperature: temperature, accuracy: accuracy, distinct: distinct)
        }
    }

    private static func document(_ panels: [PlotPanel], labels: [String], threshold: Double) -> String {
        let columns = panels.count > 1 ? 2 : 1
        let (panelWidth, panelHeight) = columns == 1 ? (660.0, 440.0) : (470.0, 370.0)
        let width = panelWidth * Double(columns)
        let title = "Accuracy and distinct correct solutions"
        var elements = [
            SVG.text(title, x: 20, y: 30, style: "head"),
            SVG.text(
                "ROUGE-L threshold \(threshold). Numbers beside points are temperatures; bars are 95 % intervals.", x: 20, y: 50,
                style: "note"),
        ]
        let legend = Self.legend(labels, width: width, top: 62)
        elements += legend.elements
        for (index, panel) in panels.enumerated() {
            let (row, column) = (index / columns, index % columns)
            elements += panel.elements(
                in: PlotBox(
                    x: Double(column) * panelWidth, y: legend.bottom + Double(row) * panelHeight, width: panelWidth, height: panelHeight))
        }
        let height = legend.bottom + Double((panels.count + columns - 1) / columns) * panelHeight
        return SVG.document(elements, label: title, width: width, height: height)
    }

    /// Names in as many columns as fit.
    private static func legend(_ labels: [String], width: Double, top: Double) -> (elements: [String], bottom: Double) {
        let names = labels.map { $0.singleLine.cut(to: 36) }
        let widest = names.map(\.columns).max() ?? 0
        let entryWidth = Double(widest) * 7 + 46
        let columns = max(1, Int((width - 40) / entryWidth))
        var elements: [String] = []
        for (index, name) in names.enumerated() {
            let x = 20 + Double(index % columns) * entryWidth, y = top + Double(index / columns) * 19 + 10
            let style = "s\(index % colorCount)"
            let (a, b) = (PlotPoint(x: x, y: y), PlotPoint(x: x + 22, y: y))
            elements.append(SVG.line(from: a, to: b, style: "curve \(style)" + (index < colorCount ? "" : " again")))
            elements.append(SVG.marker(index, at: PlotPoint(x: x + 11, y: y), style: "key \(style)"))
            elements.append(SVG.text(name, x: x + 29, y: y + 4, style: "name"))
        }
        return (elements, top + Double((names.count + columns - 1) / columns) * 19 + 6)
    }
}
