import Foundation
import TestSupport

/// The module's own small fixtures.
let ownFixtures = fixtureFolder(URL(fileURLWithPath: #filePath).deletingLastPathComponent().path)

/// A folder of the external fixtures, or the module's own small copy of it.
func fixtures(_ name: String, own: String) -> URL { externalFixtures(name) ?? ownFixtures.appendingPathComponent(own) }

/// A new folder for one test, removed afterwards.
func withScratchFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-files-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// One JSON document per line.
func jsonLines<Line: Decodable>(_ type: Line.Type, _ url: URL) throws -> [Line] {
    try Data(contentsOf: url).split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(type, from: Data($0)) }
}

/// Folders within `folder`, sorted by name.
func subfolders(_ folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.hasDirectoryPath }.sorted { $0.path < $1.path }
}
