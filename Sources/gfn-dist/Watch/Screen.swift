internal import Foundation

/// Standard output as a place that is drawn on again and again, where it is a terminal.
struct Screen {
    let isTerminal: Bool
    /// Otherwise lines are written below each other.
    let isRedrawn: Bool
    /// What is on it now.
    private var drawn = 0
    private var size = Size(columns: 80, rows: 24)

    struct Size: Equatable {
        var columns: Int
        var rows: Int
    }

    init(environment: [String: String], once: Bool) {
        isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM", default: ""] != "dumb"
        isRedrawn = isTerminal && !once
        if !isTerminal, let columns = environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 { size.columns = columns }
    }

    /// Of the terminal at this moment; 80 columns where there is none, or as many as COLUMNS says.
    var currentSize: Size {
        var window = winsize()
        guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return size }
        return Size(columns: Int(window.ws_col), rows: max(2, Int(window.ws_row)))
    }

    /// Whether the terminal has another size than when it was last drawn on.
    var hasChangedSize: Bool { isTerminal && currentSize != size }

    /// Puts lines in the place of those that were drawn before.
    mutating func draw(_ lines: (_ columns: Int) -> [String]) throws(RunError) {
        let now = currentSize
        guard isRedrawn else { return try writeToStandardOutput(lines(now.columns).map { $0 + "\n" }.joined()) }
        // Lines of another width are broken where nobody knows: all is drawn anew.
        var text = drawn == 0 ? "\u{1B}[?25l" : now == size ? "\u{1B}[\(drawn)A\r" : "\u{1B}[H\u{1B}[2J"
        // What does not fit would scroll away, out of reach.
        let shown = lines(now.columns).prefix(now.rows - 1)
        text += shown.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
        (drawn, size) = (shown.count, now)
        try writeToStandardOutput(text)
    }

    /// Gives the cursor back.
    func leave() throws(RunError) {
        if isRedrawn, drawn > 0 { try writeToStandardOutput("\u{1B}[?25h") }
    }
}
