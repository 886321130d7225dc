/// Evaluations in the forms in which they are shown.
package struct EvaluationReport: Sendable {
    private let summaries: [EvaluationSummary]

    package init(_ summaries: [EvaluationSummary]) { self.summaries = summaries }

    package var table: String { summaries.map(\.table).joined(separator: "\n\n") }
    package var markdown: String { "" }
    package var latex: String { "" }
    package var picture: String { "" }
}
