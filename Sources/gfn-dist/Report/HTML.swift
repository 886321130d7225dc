/// A piece of a page. Text is escaped where it is put in, so that what a file says is shown and never obeyed.
struct HTML: Sendable, ExpressibleByStringInterpolation {
    /// As it stands in the file.
    private(set) var source: String

    private init(source: String) { self.source = source }

    init(_ text: String) { source = Self.escaped(text) }

    init(stringLiteral text: String) { self.init(text) }

    /// An element with its children. `name` and the attributes' names are the program's own words, their values any text.
    static func element(_ name: String, _ attributes: KeyValuePairs<String, String>, _ children: [HTML] = []) -> HTML {
        var source = "<\(name)"
        for (key, value) in attributes { source += " \(key)=\"\(escaped(value))\"" }
        source += ">"
        if name == "meta" || name == "link" || name == "input" { return HTML(source: source) }
        for child in children { source += child.source }
        return HTML(source: source + "</\(name)>")
    }

    static func element(_ name: String, _ children: [HTML] = []) -> HTML { element(name, [:], children) }

    /// A whole page around the program's own style and script, which are not escaped.
    static func document(title: String, meta: [HTML], style: String, script: String, body: [HTML]) -> String {
        let sheet = HTML(source: "<style>\(style)</style>"), program = HTML(source: "<script>\(script)</script>")
        let head = element("head", meta + [element("title", [HTML(title)]), sheet])
        return "<!DOCTYPE html>\n" + element("html", ["lang": "en"], [head, element("body", body + [program])]).source + "\n"
    }

    /// Signs that a page may not hold are shown as the one that stands for them.
    private static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case "\r": break
            default: result.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }
}
