internal import Foundation

/// What ships with the program: the PathSum base model and the settings of the embedded runs.
enum EmbeddedResources {
    /// The folder beside the executable that the build put the resources in.
    private static var folder: URL {
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return executable.deletingLastPathComponent().appendingPathComponent("gfn-dist_gfn-dist.resources/Resources")
    }

    static var baseModelPath: String { folder.appendingPathComponent("pathsum-base").path }

    static func configuration(_ name: String) throws -> String {
        let path = folder.appendingPathComponent("\(name).yaml").path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RunError.missingInput(
                "the program's resource \(path) is missing: keep the folder gfn-dist_gfn-dist.resources beside the executable")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
