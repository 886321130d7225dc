internal import Evaluation
internal import Foundation
internal import Model

/// Where an evaluation is written in all its forms.
struct EvaluationFolder: Sendable {
    let path: String

    /// The samples of a model, a file for each data set.
    var samples: String { path + "/samples" }
    /// What decides the samples.
    private static let settings = "evaluate.yaml"
    /// What a folder with one of these holds is somebody's result.
    private static let taken = [settings, "evaluation.json", "config.yaml"]

    /// Makes the folder, or finds the one of the same call to go on with.
    /// - Parameter text: the settings, which must be the same then.
    static func open(_ path: String, _ text: String, _ isResumed: Bool) throws -> EvaluationFolder {
        let folder = EvaluationFolder(path: path)
        if isResumed {
            guard let there = FileManager.default.contents(atPath: "\(path)/\(settings)") else {
                throw RunError.missingInput("--resume: \(path) holds no evaluation to go on with (there is no \(settings) in it)")
            }
            guard deciding(String(decoding: there, as: UTF8.self)) == deciding(text) else {
                throw RunError.configuration(
                    "--resume: the evaluation in \(path) has other settings or temperatures (\(settings)): give the same, or name "
                        + "another folder")
            }
            return folder
        }
        if let file = taken.first(where: { FileManager.default.fileExists(atPath: "\(path)/\($0)") }) {
            throw RunError.configuration("--output \(path) holds \(file) already: name another folder, or go on with --resume")
        }
        try makeDirectory(folder.samples)
        try folder.write(text, to: settings)
        return folder
    }

    /// The lines that samples depend on: they are the same whatever computes them.
    private static func deciding(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { !$0.hasPrefix("threads:") && !$0.hasPrefix("kernels:") }
    }

    /// A new folder that nobody else has, for samples that are only counted.
    static func makeScratch() throws -> String {
        let path = NSTemporaryDirectory() + "/gfn-dist-\(UUID().uuidString)"
        try makeDirectory(path + "/samples")
        return path
    }

    private static func makeDirectory(_ path: String) throws(RunError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw .inputOutput("the folder \(path) could not be made (\(error.localizedDescription))")
        }
    }

    /// Removes the folder unless there is anything in it but settings.
    func removeUnused() {
        guard rmdir(samples) == 0 else { return }
        unlink("\(path)/\(Self.settings)")
        rmdir(path)
    }

    /// Writes a table for people, JSON, Markdown, LaTeX, and a picture.
    /// - Parameter threshold: of the distinct solutions in the picture.
    func write(_ summaries: [EvaluationSummary], threshold: Double) throws {
        try write(String(decoding: try EvaluationSummary.json(summaries, pretty: true), as: UTF8.self) + "\n", to: "evaluation.json")
        try write(EvaluationSummary.table(summaries) + "\n", to: "evaluation.txt")
        try write(EvaluationSummary.markdown(summaries), to: "evaluation.md")
        try write(EvaluationSummary.latex(summaries), to: "evaluation.tex")
        try write(TradeoffPlot(summaries, threshold: threshold).svg, to: "evaluation.svg")
    }

    private func write(_ text: String, to name: String) throws(ModelFileError) {
        try SideFile.write(Array(text.utf8), to: "\(path)/\(name)")
    }
}
