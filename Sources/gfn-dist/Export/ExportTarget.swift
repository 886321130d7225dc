internal import Foundation
internal import Model

/// Where an export goes: a folder, or a file by the end of its name. It is there as a whole, or not at all.
struct ExportTarget {
    /// As it was named, without the separators behind it.
    let path: String

    init(_ name: String) {
        var name = name[...]
        while name.count > 1, name.last == "/" { name.removeLast() }
        path = String(name)
    }

    var isGGUF: Bool { path.hasSuffix(".gguf") }

    /// Fails when something is there that writing would destroy; what is empty is replaced.
    func requireFree() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue != isGGUF else {
            throw RunError.configuration(
                isGGUF
                    ? "--to \(path) is a folder, expected a file, as its name ends in .gguf: name another"
                    : "--to \(path) is a file, expected a folder, or the name of a file that ends in .gguf: name another")
        }
        let isEmpty: Bool
        do {
            isEmpty = isFolder.boolValue
                ? try FileManager.default.contentsOfDirectory(atPath: path).isEmpty
                : (try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue == 0
        } catch {
            throw RunError.inputOutput("--to \(path) cannot be looked at (\(error.localizedDescription))")
        }
        guard isEmpty else {
            let content = isFolder.boolValue ? "not empty" : "holds something"
            throw RunError.configuration("--to \(path) is there already, and \(content): name another, or remove it")
        }
    }

    /// Calls `body` with a name beside the target, and gives what was written there the target's.
    func write<Result>(_ body: (_ side: String) throws -> Result) throws -> Result {
        try requireFree()
        // The parent may be named by a link, and renaming takes no link for its folder.
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let parent = real.deletingLastPathComponent().path
        try SideFile.makeFolder(parent)
        let side = "\(parent)/.\(real.lastPathComponent).partial-\(getpid())"
        do {
            if !isGGUF { try SideFile.makeFolder(side) }
            let result = try body(side)
            guard rename(side, real.path) == 0 else {
                throw RunError.inputOutput("\(path) could not be put in its place: \(String(cString: strerror(errno)))")
            }
            return result
        } catch {
            // What cannot be removed either is named by the error of writing, which says more.
            try? FileManager.default.removeItem(atPath: side)
            throw error
        }
    }
}
