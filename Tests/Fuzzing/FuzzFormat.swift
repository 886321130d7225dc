/// A way in which bytes come from outside: how damaged ones are made, and what a reader may do with them.
package protocol FuzzFormat: Sendable {
    /// As on the command line.
    var name: String { get }
    /// A damaged set of files (or one message, under any name), which follows from the draws alone.
    func mutant(using random: inout FuzzRandom) -> Mutant
    /// Reads the files, which lie in `folder` as the mutant has them. Throws one of the reader's typed errors when it
    /// refuses them, and `BrokenInvariant` when it accepts what it should not, or gives something else than it was given.
    func read(_ mutant: Mutant, in folder: String) throws
    /// Whether an error is one that a reader of this format may throw.
    func isRefusal(_ error: any Error) -> Bool
    /// What a process of its own took, where a format is read by one; nil: measured by the caller.
    var measuresItself: Bool { get }
    /// What a reader may allocate beyond the size of what it reads.
    var memoryAllowance: Int { get }
}

extension FuzzFormat {
    package var measuresItself: Bool { false }
    package var memoryAllowance: Int { CaseRunner.memoryAllowance }
}

/// Damaged files, by the name that the reader looks for.
package struct Mutant: Sendable {
    package var files: [String: [UInt8]]
    /// What was damaged, and how.
    package var changes: [String]

    package init(files: [String: [UInt8]], changes: [String] = []) { (self.files, self.changes) = (files, changes) }

    package var byteCount: Int { files.values.reduce(0) { $0 + $1.count } }
}

/// A reader accepted something that cannot be right.
package struct BrokenInvariant: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }

    static func unless(_ condition: Bool, _ description: @autoclosure () -> String) throws {
        if !condition { throw BrokenInvariant(description()) }
    }
}
