internal import Foundation

/// The report of a run that goes on, whatever state its files are in.
enum LiveReport {
    /// - Parameters:
    ///   - folder: nil: the run has none yet.
    ///   - number: of the page.
    static func text(of folder: RunFolder?, number: Int) -> String {
        do {
            guard let folder else { return try ReportPage.notice("The run is being prepared.", number: number) }
            return try ReportPage([try RunRecord(reading: folder.path)], live: number).text
        } catch {
            let notice = "The report could not be made: \(error)."
            do { return try ReportPage.notice(notice, number: number) } catch {
                // Without the program's own style and script.
                return HTML.document(title: "gfn-dist", meta: [], style: "", script: "", body: [.element("p", [HTML(notice)])])
            }
        }
    }
}
