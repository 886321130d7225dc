internal import Foundation

/// What ships with the program: the PathSum base model and the settings of the embedded runs.
enum EmbeddedResources {
    /// The folder beside the executable that the build put the resources in.
    private static var folder: URL {
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return executable.deletingLastPathComponent().appendingPathComponent("gfn-dist_gfn-dist.resources/Resources")
    }

    static var baseModelPath: String { folder.appendingPathComponent("pathsum-base").path }

    /// The embedded task's settings for a method: by layer, those of all methods first. Names are those of files.
    static func configurations(for objective: String) throws -> [(name: String, text: String)] {
        let own = "pathsum-\(objective)"
        // Fine-tuning makes the base that the others start from, and shares nothing with them.
        let names = objective == "sft" ? [own] : ["pathsum"] + (has(own) ? [own] : [])
        return try names.map { (name: "\($0).yaml", text: try configuration($0)) }
    }

    /// The tasks of `verify` that ship with the program, by name.
    static var verifyTasks: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("verify").path)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func verifyTaskPath(_ name: String) -> String { folder.appendingPathComponent("verify/\(name).yaml").path }

    private static func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent("\(name).yaml").path)
    }

    static func configuration(_ name: String) throws -> String { try text("\(name).yaml") }

    /// A file's whole text, by its path among the resources.
    static func text(_ name: String) throws -> String {
        let path = folder.appendingPathComponent(name).path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RunError.missingInput(
                "the program's resource \(path) is missing: keep the folder gfn-dist_gfn-dist.resources beside the executable")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
