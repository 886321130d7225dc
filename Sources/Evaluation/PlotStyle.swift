/// The colours and letters of a plot.
enum PlotStyle {
    /// The colours of Okabe and Ito, which readers with any colour vision tell apart: darker on white and lighter on black, so that all
    /// have a contrast of 3 or more with the ground.
    private static let light = ["#0072b2", "#c74e00", "#00805c", "#b0548a", "#8f6a00", "#3a3f47", "#2b8cc4", "#7a3b12"]
    private static let dark = ["#56b4e9", "#ff8a4c", "#2fc79a", "#e79ac6", "#f0c04a", "#dfe3e8", "#8ab4ff", "#d9a07a"]

    /// Light, and dark where the reader asks for it and the program that draws knows of that.
    static var sheet: String {
        let base = [
            "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px}",
            ".head{font-size:17px;font-weight:600}.panel{font-size:14px;font-weight:600}.tick{font-size:11px}",
            ".label{font-size:10px;paint-order:stroke;stroke-width:2.5px;stroke-linejoin:round}",
            ".middle{text-anchor:middle}.end{text-anchor:end}",
            ".grid{stroke-width:1}.axis{fill:none;stroke-width:1.2}.bar{stroke-width:1;opacity:.65}",
            ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round}.again{stroke-dasharray:5 3}",
            ".point,.key{stroke-width:1;stroke-linejoin:round}",
        ]
        return (base + rules(ground: "#ffffff", ink: "#1c2026", faint: "#59616c", grid: "#e6e8eb", axis: "#7a828c", light)
            + ["@media (prefers-color-scheme:dark){"]
            + rules(ground: "#0f1318", ink: "#e8ebef", faint: "#a7b0bb", grid: "#262c34", axis: "#7a848f", dark) + ["}"])
            .joined(separator: "\n")
    }

    private static func rules(
        ground: String, ink: String, faint: String, grid: String, axis: String, _ colors: [String]
    ) -> [String] {
        let marks = colors.enumerated().map { index, color in
            ".bar.s\(index),.curve.s\(index){stroke:\(color)}.point.s\(index),.key.s\(index){fill:\(color);stroke:\(ground)}"
                + ".label.s\(index){fill:\(color);stroke:\(ground)}"
        }
        return [
            ".ground{fill:\(ground)}.head,.panel,.name{fill:\(ink)}.note,.tick,.title{fill:\(faint)}",
            ".grid{stroke:\(grid)}.axis{stroke:\(axis)}",
        ] + marks
    }
}
