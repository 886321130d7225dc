/// A format in which data are published and which is not read, by a file's first bytes.
enum ForeignFormat: Equatable {
    case jsonArray, jsonOverLines, parquet, arrowFile, arrowStream, table(separator: Character)
    /// UTF-16 or UTF-32; the order of bytes where no mark says it.
    case unicode(bits: Int, ByteOrder?)
    /// Compressed or packed; with what unpacks it.
    case packed(name: String, tool: String)
    /// Of no format that is known.
    case binary

    enum ByteOrder: String { case little = "le", big = "be" }

    private static let magics: [([UInt8], Self)] = [
        (Array("PAR1".utf8), .parquet), (Array("ARROW1".utf8), .arrowFile), (Array("FEA1".utf8), .arrowFile),
        ([0xFF, 0xFF, 0xFF, 0xFF], .arrowStream),
        // UTF-32's mark begins with one of UTF-16's.
        ([0xFF, 0xFE, 0, 0], .unicode(bits: 32, nil)), ([0, 0, 0xFE, 0xFF], .unicode(bits: 32, nil)),
        ([0xFF, 0xFE], .unicode(bits: 16, nil)), ([0xFE, 0xFF], .unicode(bits: 16, nil)),
        (Array("BZh".utf8), .packed(name: "bzip2 data", tool: "bunzip2")),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .packed(name: "xz data", tool: "unxz")),
        ([0x04, 0x22, 0x4D, 0x18], .packed(name: "lz4 data", tool: "unlz4")),
        ([0x50, 0x4B, 0x03, 0x04], .packed(name: "a zip archive", tool: "unzip")),
        ([0x1F, 0x8B], .packed(name: "gzip data, compressed twice", tool: "gunzip")),
        ([0x28, 0xB5, 0x2F, 0xFD], .packed(name: "zstd data, compressed twice", tool: "unzstd")),
    ]

    /// Nil for what may be JSON Lines.
    init?(head: [UInt8], path: String) {
        if let format = Self.magics.first(where: { head.starts(with: $0.0) })?.1 {
            self = format
        } else if head.dropFirst(257).starts(with: Array("ustar".utf8)) {
            self = .packed(name: "a tar archive", tool: "tar -xf")
        } else if let format = Self.withoutMark(head) {
            self = format
        } else if let format = Self.ofText(head.starts(with: [0xEF, 0xBB, 0xBF]) ? head.dropFirst(3) : head[...], path: path) {
            self = format
        } else if head.prefix(64).contains(where: { $0 < 0x20 && !Self.isSpace($0) }) {
            self = .binary
        } else {
            return nil
        }
    }

    /// The first character is one of ASCII in any case; beside it there are zeros.
    private static func withoutMark(_ head: [UInt8]) -> Self? {
        switch head.prefix(4).map({ $0 == 0 }) {
        case [false, true, true, true]: .unicode(bits: 32, .little)
        case [true, true, true, false]: .unicode(bits: 32, .big)
        case [false, true, false, true]: .unicode(bits: 16, .little)
        case [true, false, true, false]: .unicode(bits: 16, .big)
        default: nil
        }
    }

    private static func ofText(_ head: ArraySlice<UInt8>, path: String) -> Self? {
        let text = head.drop(while: isSpace)
        let line = text.prefix { $0 != 0x0A && $0 != 0x0D }
        let (end, next) = (line.last { !isSpace($0) }, text.dropFirst(line.count).first { !isSpace($0) })
        switch text.first {
        case nil: return nil
        case UInt8(ascii: "["):
            let rest = text.dropFirst().drop(while: isSpace)
            // One of several lines that are arrays.
            let isLine = end == UInt8(ascii: "]") && next != nil
            return rest.first == UInt8(ascii: "{") && !isLine ? .jsonArray : nil
        case UInt8(ascii: "{"):
            let isOpen = end == UInt8(ascii: "{") || end == UInt8(ascii: ",")
            return isOpen && next.map { $0 != UInt8(ascii: "{") } == true ? .jsonOverLines : nil
        default:
            let name = path.lowercased()
            if name.hasSuffix(".tsv") { return .table(separator: "\t") }
            let separators: [Character] = ["\t", ",", ";"]
            let separator = separators.first { $0.asciiValue.map { line.contains($0) && isHeader(line, $0) } == true }
            return (separator ?? (name.hasSuffix(".csv") ? "," : nil)).map { .table(separator: $0) }
        }
    }

    /// Whether a line is made of the names of columns.
    private static func isHeader(_ line: ArraySlice<UInt8>, _ separator: UInt8) -> Bool {
        line.allSatisfy { byte in
            byte == separator || "\"_-. ".utf8.contains(byte) || byte >= 0x80 || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte & 0xDF)
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    var name: String {
        switch self {
        case .jsonArray: "one JSON array"
        case .jsonOverLines: "JSON with objects over several lines"
        case .parquet: "a Parquet file"
        case .arrowFile, .arrowStream: "an Arrow file"
        case .table(separator: "\t"): "a table with tabs (TSV)"
        case .table: "a table (CSV)"
        case .unicode(let bits, _): "text in UTF-\(bits)"
        case .packed(let name, _): name
        case .binary: "binary data"
        }
    }

    /// What makes JSON Lines of the file: for data, one line of Python, which keeps numbers and texts as they are, and other files too.
    func advice(on path: String, coding: Coding?) -> String {
        if case .packed(_, let tool) = self { return "unpack it with \(tool)" }
        if self == .binary { return "name a text, or copy or download this file again" }
        if self == .jsonOverLines { return "write each object on one line, as jq -c . does" }
        // Python reads it by itself since 3.14 only.
        if coding == .zstd { return "decompress it with unzstd, and start again to be told how to convert it" }
        let python = python(from: Self.quoted(path), to: Self.quoted(Self.converted(path)), isGzip: coding == .gzip)
        return "convert it with: python3 -c \"\(python)\""
    }

    private func python(from source: String, to target: String, isGzip: Bool) -> String {
        let open = isGzip ? "gzip.open" : "open"
        let binary = "\(open)(\(source), 'rb')"
        func text(_ encoding: String) -> String { "\(open)(\(source), 'rt', encoding='\(encoding)', newline='')" }
        // Tables with types may have dates, which JSON has not.
        let isTyped = self == .parquet || self == .arrowFile || self == .arrowStream
        func rows(_ module: String?, _ rows: String) -> String {
            let imports = ["json", isGzip ? "gzip" : nil, module].compactMap { $0 }.joined(separator: ", ")
            return "import \(imports); "
                + "open(\(target), 'x').writelines(json.dumps(row\(isTyped ? ", default=str" : "")) + '\\n' for row in \(rows))"
        }
        switch self {
        case .parquet: return rows("pyarrow.parquet", "pyarrow.parquet.read_table(\(binary)).to_pylist()")
        case .arrowFile: return rows("pyarrow.feather", "pyarrow.feather.read_table(\(binary)).to_pylist()")
        case .arrowStream: return rows("pyarrow", "pyarrow.ipc.open_stream(\(binary)).read_all().to_pylist()")
        case .table(let separator):
            let delimiter = separator == "," ? "" : ", delimiter=\(Self.quoted(String(separator)))"
            return rows("csv", "csv.DictReader(\(text("utf-8-sig"))\(delimiter))")
        case .unicode(let bits, let order):
            let encoding = "utf-\(bits)" + (order.map { "-\($0.rawValue)" } ?? "")
            return (isGzip ? "import gzip; " : "") + "open(\(target), 'x', encoding='utf-8').write(\(text(encoding)).read())"
        case .jsonArray, .jsonOverLines, .packed, .binary: return rows(nil, "json.load(\(binary))")
        }
    }

    /// A name beside the file's own.
    private static func converted(_ path: String) -> String {
        let name = path.hasSuffix(".gz") ? path.dropLast(3) : path[...]
        if name.hasSuffix(".jsonl") { return "\(name.dropLast(6)).converted.jsonl" }
        let ending = [".json", ".parquet", ".arrow", ".feather", ".csv", ".tsv", ".txt"].first { name.hasSuffix($0) }
        return "\(name.dropLast(ending?.count ?? 0)).jsonl"
    }

    /// A string of Python between the double quotes of a shell.
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            let isPlain = scalar.value >= 0x20 && scalar.value != 0x7F && !"'\"\\$`!".unicodeScalars.contains(scalar)
            return isPlain ? String(scalar) : "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        }
        return "'\(escaped.joined())'"
    }
}
