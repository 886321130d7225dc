public import Foundation

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
