internal import Foundation
internal import Problems

/// A task of `verify` as its file lists it: prompts, every legal response to each, and the log rewards.
///
///     about: one sentence
///     correct: -4                                  # optional: ends with at least this log reward count as correct; absent: all
///     settings: {reward.reference: 1}              # optional: what holds for this task where nobody chose otherwise
///     reward_model: {train.steps: 60}              # optional: train a process reward model with these settings, which then scores the ends
///     problems:
///       - prompt: " 0 0:"
///         ends: {"": -8, " 0": 2, " 0 1": -8}      # a response's text: log R in nats
struct TaskFile: Sendable {
    typealias Setting = (name: String, value: String, place: String)

    let about: String
    let correctAt: Double?
    /// By their names in the program, which are not looked up here; with the place of each.
    let settings: [Setting]
    /// Those of the reward model that is trained first; nil: the listed log rewards hold.
    let rewardModel: [Setting]?
    let problems: [EnumerableProblem]

    /// The longest list of long responses is far below this; whatever is larger is another file.
    private static let largestFile = 4 << 20

    /// - Throws: `RunError.missingInput` where there is no file, `.badData` in one sentence for what is wrong in it.
    static func read(_ path: String) throws(RunError) -> TaskFile {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .missingInput("the task file \(path) does not exist")
        }
        guard !isFolder.boolValue, let file = FileHandle(forReadingAtPath: path) else {
            throw .missingInput("\(path) cannot be read as a task file")
        }
        let data: Data
        do { data = try file.read(upToCount: largestFile + 1) ?? Data() } catch {
            throw .missingInput("the task file \(path) cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= largestFile else {
            let most = EnumerableTask.endCounts.upperBound
            throw .badData("\(path) has more than \(largestFile >> 20) MB, expected a task of at most \(most) ends")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .badData("\(path) is not UTF-8 text, expected a task as YAML")
        }
        return try TaskFile(yaml: text, named: path)
    }

    /// - Parameter name: what errors call the text.
    init(yaml text: String, named name: String) throws(RunError) {
        let root = try YAMLValue(document: text, named: name)
        let members = try root.members(of: "a task", known: ["about", "correct", "settings", "reward_model", "problems"])
        guard let about = try members["about"]?.text(of: "about"), !about.isEmpty else {
            throw root.fault("the task has no about, expected a sentence that says what it is for")
        }
        guard let listed = members["problems"] else {
            throw root.fault("the task has no problems, expected a list of prompts with their ends")
        }
        self.about = about
        correctAt = try members["correct"].map { (value) throws(RunError) in try value.finiteNumber(of: "correct") }
        settings = try members["settings"].map { (value) throws(RunError) in try Self.settings(value, "settings") } ?? []
        rewardModel = try members["reward_model"].map { (value) throws(RunError) in try Self.settings(value, "reward_model") }
        var problems: [EnumerableProblem] = []
        for problem in try listed.elements(of: "problems") { problems.append(try Self.problem(problem)) }
        guard !problems.isEmpty else { throw listed.fault("problems is empty, expected at least one prompt with its ends") }
        self.problems = problems
    }

    private static func settings(_ value: YAMLValue, _ name: String) throws(RunError) -> [Setting] {
        var settings: [Setting] = []
        for (key, value) in try value.pairs(of: name) { settings.append((key, try value.text(of: key), value.place)) }
        return settings
    }

    private static func problem(_ value: YAMLValue) throws(RunError) -> EnumerableProblem {
        let members = try value.members(of: "a problem", known: ["prompt", "ends"])
        guard let prompt = try members["prompt"]?.text(of: "prompt") else {
            throw value.fault("the problem has no prompt, expected a text that the responses continue")
        }
        guard let listed = members["ends"] else {
            throw value.fault("the problem has no ends, expected each legal response with its log reward")
        }
        var ends: [(text: String, logReward: Double)] = []
        for (text, reward) in try listed.pairs(of: "ends") { ends.append((text, try reward.finiteNumber(of: "the log reward of an end"))) }
        return EnumerableProblem(prompt: prompt, ends: ends, place: value.place)
    }
}
