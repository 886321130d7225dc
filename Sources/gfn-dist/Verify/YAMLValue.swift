internal import Yams

/// A value of a YAML text that knows its place, with typed access in which every fault is one sentence.
///
/// Scalars are texts as they stand there: YAML's guesses at numbers, dates and truth are left out, so that "1" and 1 are the same key.
struct YAMLValue {
    private let node: Node
    private let file: String

    private init(_ node: Node, _ file: String) { (self.node, self.file) = (node, file) }

    /// The one document of a text.
    init(document text: String, named file: String) throws(RunError) {
        if let line = YAMLGuard(text).refusedLine { throw .badData("\(file):\(line.number): \(line.reason)") }
        let root: Node?
        do { root = try Yams.compose(yaml: text, .basic) } catch let error as YamlError {
            throw Self.fault(error, file)
        } catch {
            throw .badData("\(file) is not readable as YAML (\(error))")
        }
        guard let root else { throw .badData("\(file) is empty, expected YAML") }
        self.init(root, file)
    }

    /// Its file and line, where the parser tells it.
    var place: String { node.mark.map { "\(file):\($0.line)" } ?? file }

    func fault(_ sentence: String) -> RunError { .badData("\(place): \(sentence)") }

    /// What the parser says, without the text that it puts around it.
    private static func fault(_ error: YamlError, _ file: String) -> RunError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            .badData("\(file):\(mark.line): not readable as YAML (\(problem))")
        case .reader(let problem, _, _, _): .badData("\(file): not readable as YAML (\(problem))")
        case .duplicatedKeysInMapping(let keys, let context):
            .badData("\(file):\(context.mark.line): the key \(keys.first.map(Self.quoted) ?? "") is there twice, expected each key once")
        default: .badData("\(file): not readable as YAML")
        }
    }

    private static func quoted(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n").printable())\"" }

    /// The kind of value, as errors say what was found.
    private var kind: String {
        switch node {
        case .scalar(let scalar): Self.quoted(scalar.string)
        case .mapping: "keys with values"
        case .sequence: "a list"
        case .alias: "a reference"
        }
    }

    func text(of name: String) throws(RunError) -> String {
        guard case .scalar(let scalar) = node else { throw fault("\(name) is \(kind), expected a text") }
        return scalar.string
    }

    func finiteNumber(of name: String) throws(RunError) -> Double {
        guard case .scalar(let scalar) = node, let number = Double(scalar.string), number.isFinite else {
            throw fault("\(name) is \(kind), expected a finite number")
        }
        return number
    }

    func elements(of name: String) throws(RunError) -> [YAMLValue] {
        guard case .sequence(let sequence) = node else { throw fault("\(name) is \(kind), expected a list") }
        return sequence.map { YAMLValue($0, file) }
    }

    /// Keys with their values, in the order of the text.
    func pairs(of name: String) throws(RunError) -> [(key: String, value: YAMLValue)] {
        guard case .mapping(let mapping) = node else { throw fault("\(name) is \(kind), expected keys with values") }
        var (pairs, keys): ([(key: String, value: YAMLValue)], Set<String>) = ([], [])
        for (key, value) in mapping {
            let written = YAMLValue(key, file)
            let text = try written.text(of: "a key of \(name)")
            // The parser finds these too, but for keys with different tags.
            guard keys.insert(text).inserted else {
                throw written.fault("the key \(Self.quoted(text)) is there twice, expected each key once")
            }
            pairs.append((text, YAMLValue(value, file)))
        }
        return pairs
    }

    /// The values of some keys, each of them optional; another key is a fault.
    func members(of name: String, known: [String]) throws(RunError) -> [String: YAMLValue] {
        var members: [String: YAMLValue] = [:]
        for (key, value) in try pairs(of: name) {
            guard known.contains(key) else {
                throw value.fault("\(name) has no key \(Self.quoted(key)), expected one of \(known.joined(separator: ", "))")
            }
            members[key] = value
        }
        return members
    }
}
