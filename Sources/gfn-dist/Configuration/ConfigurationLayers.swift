import Foundation
import Model
import Yams

/// Where a value came from, as it is shown to people.
struct Origin: Sendable, CustomStringConvertible {
    let description: String
    /// Whether a person chose the value, rather than this program's own files.
    var isChoice = true
    /// Whether the value is another than that of the layers below: a file may list every setting as it is.
    var isChange = true
    /// Whether it was asked for in the call itself.
    var isCommandLine: Bool { description.hasPrefix("--") }
    static let fallback = Origin(description: "default", isChoice: false)
    static func flag(_ name: String) -> Origin { Origin(description: "--\(name)") }
}

/// Everything that is wrong with a configuration, in one error: a list of sentences.
struct ConfigurationError: Error, CustomStringConvertible {
    let problems: [String]
    var description: String { problems.map { $0.printable(limit: 1000) }.joined(separator: "\n") }
}

/// The values of a run, laid over each other: defaults, then the embedded task, a preset of rewards, a file, and `--set`.
struct ConfigurationLayers: Sendable {
    private(set) var values: [String: String] = [:]
    private(set) var origins: [String: Origin] = [:]
    private var problems: [String] = []

    init() {
        for setting in Setting.all {
            values[setting.name] = setting.fallback
            origins[setting.name] = .fallback
        }
    }

    /// What comes after so many problems is no use to anybody, and takes time.
    private static let mostProblems = 100
    /// A file of settings is a page; whatever is larger is another file.
    private static let largestFile = 1 << 20

    /// Sets one key; an unknown key or a value out of range is remembered as a problem.
    mutating func set(_ name: String, to value: String, from origin: Origin) {
        guard problems.count < Self.mostProblems else { return }
        guard let setting = Setting.named(name) else {
            problems.append("\(origin): there is no setting '\(name)'; did you mean '\(Setting.nearest(to: name))'?")
            return
        }
        let name = setting.name
        if let problem = setting.kind.problem(with: value) {
            problems.append("\(origin): \(name) \(problem) (\(setting.summary))")
            return
        }
        var origin = origin
        // What a layer below has chosen stays a choice when it is repeated.
        origin.isChange = !setting.kind.isSame(value, values[name] ?? "") || (origins[name].map { $0.isChoice && $0.isChange } ?? false)
        values[name] = value
        origins[name] = origin
    }

    /// The same layers with one more value of the program's own.
    func setting(_ name: String, to value: String) -> ConfigurationLayers {
        var layers = self
        layers.set(name, to: value, from: .fallback)
        return layers
    }

    /// Takes `key=value` as `--set` gives it.
    mutating func set(assignment: String) {
        guard let equals = assignment.firstIndex(of: "=") else {
            problems.append("--set \(assignment): expected key=value, for example --set train.steps=200")
            return
        }
        let name = String(assignment[..<equals]).trimmingCharacters(in: .whitespaces)
        set(name, to: String(assignment[assignment.index(after: equals)...]), from: Origin(description: "--set"))
    }

    /// Lays a YAML text over what is there: nested mappings become dotted keys. `isChoice`: whether a person wrote it.
    mutating func lay(yaml text: String, named name: String, isChoice: Bool = true) {
        guard text.utf8.count <= Self.largestFile else {
            problems.append("\(name) has \(text.utf8.count) bytes, expected settings in at most \(Self.largestFile >> 10) KB")
            return
        }
        if let line = YAMLGuard(text).refusedLine {
            problems.append("\(name):\(line.number): \(line.reason)")
            return
        }
        do {
            guard let root = try Yams.compose(yaml: text) else { return }
            walk(root, path: "", file: name, isChoice: isChoice)
        } catch let error as YamlError {
            problems.append("\(name): not readable as YAML (\(String(describing: error).replacingOccurrences(of: "\n", with: " ")))")
        } catch {
            problems.append("\(name): not readable as YAML (\(error))")
        }
    }

    private mutating func walk(_ node: Node, path: String, file: String, isChoice: Bool) {
        let line = node.mark.map { ":\($0.line)" } ?? ""
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let part = key.string else {
                    problems.append("\(file)\(line): a key is not text")
                    continue
                }
                walk(value, path: path.isEmpty ? part : "\(path).\(part)", file: file, isChoice: isChoice)
            }
        case .scalar(let scalar):
            guard !path.isEmpty else {
                problems.append("\(file)\(line): expected settings as 'key: value', found '\(scalar.string)'")
                return
            }
            set(path, to: scalar.string, from: Origin(description: "\(file)\(line)", isChoice: isChoice))
        case .sequence(let sequence):
            set(path, to: sequence.compactMap(\.string).joined(separator: ","), from: Origin(description: "\(file)\(line)", isChoice: isChoice))
        case .alias:
            problems.append("\(file)\(line): aliases are not supported in a configuration")
        }
    }

    /// All problems at once, or nothing.
    func check() throws(ConfigurationError) {
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }

    mutating func note(problem: String) { problems.append(problem) }

    /// The resolved configuration as YAML that can be loaded again; with `origins`, each value's origin as a comment.
    func yaml(withOrigins: Bool = false) -> String {
        var lines: [String] = []
        var open = ""
        for setting in Setting.all {
            let value = values[setting.name] ?? setting.fallback
            let parts = setting.name.split(separator: ".").map(String.init)
            let quoted: String
            switch setting.kind {
            case .text: quoted = "\"" + value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
            default: quoted = value
            }
            if parts.count == 2, parts[0] != open { lines.append("\(parts[0]):") }
            open = parts.count == 2 ? parts[0] : ""
            let line = (parts.count == 2 ? "  \(parts[1])" : parts[0]) + ": \(quoted)"
            let comment = withOrigins ? "   # \(origins[setting.name]?.description ?? "default")" : ""
            lines.append(line + comment)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
