import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The elements of a drawing with their attributes.
final class Drawing: NSObject, XMLParserDelegate {
    private(set) var elements: [(name: String, attributes: [String: String])] = []
    private(set) var titles: [String] = []
    private(set) var texts: [String] = []
    private var text = ""
    private(set) var isWellFormed = false

    init(_ svg: String) {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
    ) {
        elements.append((name, attributes))
        text = ""
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        if name == "title" { titles.append(text) }
        if name == "text" { texts.append(text) }
    }

    /// The attributes of elements whose classes begin with one.
    func styled(_ style: String) -> [[String: String]] {
        elements.map(\.attributes).filter { $0["class"]?.split(separator: " ").first.map(String.init) == style }
    }

    /// Every number of every attribute that holds coordinates.
    var coordinates: [Double?] {
        let names = ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "points"]
        return elements.flatMap { element in
            names.compactMap { element.attributes[$0] }.flatMap { $0.split { " ,".contains($0) }.map { Double($0) } }
        }
    }
}
