import Testing

@testable import Evaluation

@Suite("The paper's table, in Markdown and LaTeX")
struct PaperTableTests {
    private let summaries = [
        Handmade.set(
            "a_b|c", on: "x&y",
            [0.6: Handmade.temperature(accuracy: Handmade.estimate(0.712, 0.6884, 0.735), distinct: Handmade.estimate(1.5, 1.25, 1.75))],
            greedy: Handmade.temperature(accuracy: Handmade.estimate(0.75, 0.7, 0.8), distinct: Handmade.estimate(1, 1, 1))),
        Handmade.set(
            "[base", on: "x&y",
            [1: Handmade.temperature(accuracy: Handmade.estimate(0.5, 0.4, 0.6), distinct: Handmade.estimate(2, 1.5, 2.5))]),
    ]

    @Test("Markdown has a row per set, and columns per temperature: accuracy in % and distinct solutions by threshold")
    func markdown() {
        let expected = """
            **x&amp;y**: 10 problems, 4 samples each

            Accuracy in % and distinct correct solutions per problem by ROUGE-L threshold, [95 % interval].

            | Samples | greedy: accuracy | T = 0.6: accuracy | T = 0.6: distinct 0.7 | T = 1.0: accuracy | T = 1.0: distinct 0.7 |
            | :-- | --: | --: | --: | --: | --: |
            | a\\_b\\|c | 75.0 [70.0, 80.0] | 71.2 [68.8, 73.5] | 1.50 [1.25, 1.75] | – | – |
            | \\[base | – | – | – | 50.0 [40.0, 60.0] | 2.00 [1.50, 2.50] |

            """
        #expect(EvaluationSummary.markdown(summaries) == expected)
    }

    @Test("LaTeX has the same, with intervals below the values")
    func latex() {
        let expected = """
            % \\usepackage{booktabs}; the numbers above the columns are thresholds of ROUGE-L; below each value is its 95 % interval
            \\begin{tabular}{l r rr rr}
            \\toprule
            \\multicolumn{6}{l}{\\textbf{x\\&y}: 10 problems, 4 samples each} \\\\
            \\midrule
             & \\multicolumn{1}{c}{greedy} & \\multicolumn{2}{c}{$T = 0.6$} & \\multicolumn{2}{c}{$T = 1.0$} \\\\
            \\cmidrule(lr){2-2} \\cmidrule(lr){3-4} \\cmidrule(lr){5-6}
            Samples & Acc.\\,\\% & Acc.\\,\\% & 0.7 & Acc.\\,\\% & 0.7 \\\\
            \\midrule
            a\\_b\\textbar{}c & $75.0$ & $71.2$ & $1.50$ & -- & -- \\\\
             & {\\scriptsize $[70.0, 80.0]$} & {\\scriptsize $[68.8, 73.5]$} & {\\scriptsize $[1.25, 1.75]$} &  &  \\\\
            {[}base & -- & -- & -- & $50.0$ & $2.00$ \\\\
             &  &  &  & {\\scriptsize $[40.0, 60.0]$} & {\\scriptsize $[1.50, 2.50]$} \\\\
            \\bottomrule
            \\end{tabular}

            """
        #expect(EvaluationSummary.latex(summaries) == expected)
    }

    @Test("each data set has a table of its own, and sizes are said only where all sets have them")
    func blocks() {
        var (other, more) = (summaries[0], summaries[0])
        other.dataset = "roots"
        more.samplesPerProblem = 8
        let markdown = EvaluationSummary.markdown([summaries[0], other, more])
        #expect(markdown.contains("**x&amp;y**\n") && markdown.contains("\n\n**roots**: 10 problems, 4 samples each\n"))
        #expect(EvaluationSummary.latex([summaries[0], other, more]).split(separator: "\\begin{tabular}").count == 3)
        #expect(EvaluationSummary.markdown([]) == "" && EvaluationSummary.latex([]) == "")
    }

    @Test("names are text to Markdown, whatever they hold")
    func markdownEscapes() {
        #expect("a|*_`\n<b>&c[d]\\~#$".escapedForMarkdown == "a\\|\\*\\_\\` &lt;b\\>&amp;c\\[d\\]\\\\\\~\\#\\$")
    }

    @Test("names are text to LaTeX, whatever they hold")
    func latexEscapes() {
        #expect("# $ % & _ { }".escapedForLatex == "\\# \\$ \\% \\& \\_ \\{ \\}")
        #expect("~^\\".escapedForLatex == "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}")
        #expect("a\n<>|[]".escapedForLatex == "a \\textless{}\\textgreater{}\\textbar{}{[}{]}")
    }
}
