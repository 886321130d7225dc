/// The colours and letters of a plot.
package enum PlotStyle {
    /// What a drawing is coloured with in one light.
    private struct Palette {
        var ground, ink, faint, grid, axis: String
        var marks: [String]

        /// As custom properties of CSS: `--ground`, `--s0`.
        var variables: String {
            let named = "--ground:\(ground);--ink:\(ink);--faint:\(faint);--grid:\(grid);--axis:\(axis)"
            return ":root{" + ([named] + marks.enumerated().map { "--s\($0):\($1)" }).joined(separator: ";") + "}"
        }
    }

    /// The colours of Okabe and Ito, which readers with any colour vision tell apart: darker on white and lighter on black, so that all
    /// have a contrast of 3 or more with the ground.
    private static let light = Palette(
        ground: "#ffffff", ink: "#1c2026", faint: "#59616c", grid: "#e6e8eb", axis: "#7a828c",
        marks: ["#0072b2", "#c74e00", "#00805c", "#b0548a", "#8f6a00", "#3a3f47", "#2b8cc4", "#7a3b12"])
    private static let dark = Palette(
        ground: "#0f1318", ink: "#e8ebef", faint: "#a7b0bb", grid: "#262c34", axis: "#7a848f",
        marks: ["#56b4e9", "#ff8a4c", "#2fc79a", "#e79ac6", "#f0c04a", "#dfe3e8", "#8ab4ff", "#d9a07a"])

    /// The colours of a page, for style sheets that use them by name.
    package static var variables: String { "\(light.variables)@media(prefers-color-scheme:dark){\(dark.variables)}" }

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
        return (base + rules(light) + ["@media (prefers-color-scheme:dark){"] + rules(dark) + ["}"]).joined(separator: "\n")
    }

    private static func rules(_ palette: Palette) -> [String] {
        let ground = palette.ground
        let marks = palette.marks.enumerated().map { index, color in
            ".bar.s\(index),.curve.s\(index){stroke:\(color)}.point.s\(index),.key.s\(index){fill:\(color);stroke:\(ground)}"
                + ".label.s\(index){fill:\(color);stroke:\(ground)}"
        }
        return [
            ".ground{fill:\(ground)}.head,.panel,.name{fill:\(palette.ink)}.note,.tick,.title{fill:\(palette.faint)}",
            ".grid{stroke:\(palette.grid)}.axis{stroke:\(palette.axis)}",
        ] + marks
    }
}
