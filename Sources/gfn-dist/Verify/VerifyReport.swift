internal import Evaluation
internal import Foundation

/// The certificates of a run: on standard output, and as files in its folder, with their pictures.
struct VerifyReport {
    /// Where the files go.
    let folder: String
    let isJSON: Bool

    /// Rank 0 writes and says them; then all processes end alike, with exit code 1 where a bound is missed. Collective over processes.
    func finish(_ certificates: [Certificate], _ launch: Launch) throws {
        let missed = try launch.decidedByFirst {
            for certificate in certificates {
                let suffix = certificates.count > 1 ? "-\(certificate.task)" : ""
                try write(String(decoding: try certificate.json(pretty: true), as: UTF8.self) + "\n", to: "certificate\(suffix).json")
                try write(ProportionalityPlot(certificate).svg, to: "certificate\(suffix).svg")
                print(isJSON ? String(decoding: try certificate.json(), as: UTF8.self) : certificate.text + "\n")
            }
            if !isJSON { print("files  \(folder)/certificate*.json, .svg") }
            return certificates.filter { !$0.holds }.map { certificate in
                "not proportional: " + (certificates.count > 1 ? "\(certificate.task): " : "") + certificate.misses.joined(separator: "; ")
            }.joined(separator: "\n")
        }
        if !missed.isEmpty { throw Launch.SharedFailure(code: 1, text: missed) }
    }

    private func write(_ text: String, to name: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try RunFolder(path: folder).write(text, to: name)
    }
}
