internal import Foundation
internal import Model
internal import Problems

/// Tasks that list their responses, as `data.train` names them: `verify:NAME` for one that ships with the program, or a YAML file.
extension TaskFile {
    private static let shippedMark = "verify:"

    static func isNamed(by data: String) -> Bool {
        data.hasPrefix(shippedMark) || data.hasSuffix(".yaml") || data.hasSuffix(".yml")
    }

    /// What `data.train` calls a task that is named on the command line: a file by its path, another by its name alone.
    static func data(naming task: String) -> String { isNamed(by: task) ? task : shippedMark + task }

    static func path(of data: String) throws(RunError) -> String {
        guard data.hasPrefix(shippedMark) else { return data }
        let name = String(data.dropFirst(shippedMark.count))
        let known = EmbeddedResources.verifyTasks
        guard known.contains(name) else {
            throw .missingInput(
                "there is no task '\(name.printable(limit: 60))'; those that ship are \(known.joined(separator: ", ")), and another is named by "
                    + "its file, which ends in .yaml")
        }
        return EmbeddedResources.verifyTaskPath(name)
    }

    /// The task in a model's tokens.
    func task(named data: String, of opened: OpenedBase) throws -> EnumerableTask {
        let configuration = opened.model.configuration, ends = try opened.ends()
        let name = data.hasPrefix(Self.shippedMark) ? String(data.dropFirst(Self.shippedMark.count)) : URL(fileURLWithPath: data).lastPathComponent
        return try EnumerableTask(
            name: name, problems: problems, correctAt: correctAt, tokenizer: try opened.tokenizer(), beginToken: configuration.beginToken,
            stopTokens: ends.stopTokens, taughtStop: ends.taught, contextLength: configuration.contextLength)
    }
}

extension ConfigurationLayers {
    /// Lays what holds for tasks that list their responses over what is there, and then what this one says of itself.
    /// - Parameter trainsAll: whether all weights are trained, in other steps than an adapter's.
    mutating func lay(task data: String, trainsAll: Bool) throws {
        for name in ["verify"] + (trainsAll ? ["verify-full"] : []) {
            lay(yaml: try EmbeddedResources.configuration(name), named: "embedded \(name).yaml", isChoice: false)
        }
        for setting in try TaskFile.read(TaskFile.path(of: data)).settings {
            set(setting.name, to: setting.value, from: Origin(description: setting.place, isChoice: false))
        }
    }
}
