internal import Foundation
internal import Model

extension PackedCache {
    /// Smaller models are packed faster than files are made and compared.
    private static let smallest = 32 << 20

    /// As the setting `base.cache` says, in the folder that the environment names; nil: packed in memory.
    static func named(
        _ setting: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(RunError) -> PackedCache? {
        guard setting != "never" else { return nil }
        if let folder = folder(environment) { return PackedCache(folder: folder, minimumByteCount: setting == "always" ? 0 : smallest) }
        guard setting == "always" else { return nil }
        throw .configuration("base.cache is always, but no folder is known: GFN_CACHE, XDG_CACHE_HOME and HOME are not set; set GFN_CACHE")
    }

    /// `GFN_CACHE`, or `gfn-dist` in the cache folder of the XDG base directory specification, which must be absolute; nil without a home.
    static func folder(_ environment: [String: String]) -> String? {
        func folder(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let own = folder("GFN_CACHE") { return own }
        if let cache = folder("XDG_CACHE_HOME"), cache.hasPrefix("/") { return cache + "/gfn-dist" }
        return folder("HOME").map { $0 + "/.cache/gfn-dist" }
    }
}
