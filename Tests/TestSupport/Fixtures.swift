public import Foundation
import Testing

/// The `Fixtures` folder beside the test file that asks.
public func fixtureFolder(_ file: String = #filePath) -> URL {
    URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures")
}

/// A larger set of conformance fixtures, named by the environment variable `GFN_FIXTURES`; nil when it is not set.
public func externalFixtures(_ name: String) -> URL? {
    guard let root = ProcessInfo.processInfo.environment["GFN_FIXTURES"], !root.isEmpty else { return nil }
    let folder = URL(fileURLWithPath: root).appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}

/// The rows of a fixture of metrics: our own copy beside the test file that asks, or the full file when `GFN_FIXTURES` names one.
/// Says how many there are.
public func metricRows(_ name: String, _ file: String = #filePath) throws -> [[String: Any]] {
    let path = (externalFixtures("metrics") ?? fixtureFolder(file)).appendingPathComponent(name)
    let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    print("\(name): \(rows.count) cases")
    #expect(!rows.isEmpty)
    return rows
}

public func number(_ value: Any?) throws -> Double { try #require(value as? NSNumber).doubleValue }
