/// Which notations mean the same.
enum AnswerNotation {
    static let spacing: Set<String> = [
        "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "quad", "qquad", "displaystyle", "textstyle", "limits", "thinspace",
    ]

    static let textCommands: Set<String> = [
        "text", "mbox", "mathrm", "textbf", "mathbf", "textit", "mathit", "textnormal", "textrm", "operatorname", "hbox", "bf", "rm",
    ]

    static let aliases: [String: String] = [
        "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "cdot": "times", "ast": "times", "dbinom": "binom", "tbinom": "binom",
        "le": "leq", "leqslant": "leq", "ge": "geq", "geqslant": "geq", "lt": "less", "gt": "greater", "degree": "circ",
        "varnothing": "emptyset", "lbrace": "{", "rbrace": "}", "lvert": "vert", "rvert": "vert", "neq": "ne", "infin": "infty",
        "bmatrix": "pmatrix", "arcsin": "arcsin", "lbrack": "[", "rbrack": "]", "newline": "newrow", "cr": "newrow",
    ]

    /// Plain words that are mathematics.
    static let words: [String: String] = [
        "sqrt": "sqrt", "pi": "pi", "infinity": "infty", "inf": "infty", "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec",
        "csc": "csc", "log": "log", "ln": "ln", "and": "and", "or": "or", "percent": "percent", "union": "cup", "degrees": "circ",
        "degree": "circ", "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan", "And": "and", "Or": "or", "OR": "or", "AND": "and",
    ]

    static let functions: Set<String> = [
        "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    ]

    static let greek: Set<String> = [
        "alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu", "phi", "varphi", "omega", "sigma", "rho", "tau", "ell",
    ]

    static let scalars: [Unicode.Scalar: [AnswerToken.Kind]] = [
        "−": [.symbol("-")], "–": [.symbol("-")], "‐": [.symbol("-")], "‑": [.symbol("-")], "×": [.command("times")], "·": [.command("times")],
        "⋅": [.command("times")], "∙": [.command("times")], "÷": [.symbol("/")], "⁄": [.symbol("/")], "√": [.command("sqrt")],
        "π": [.command("pi")], "∞": [.command("infty")], "°": [.command("circ")], "±": [.command("pm")], "∓": [.command("mp")],
        "≤": [.command("leq")], "≥": [.command("geq")], "≠": [.command("ne")], "∪": [.command("cup")], "∩": [.command("cap")],
        "∅": [.command("emptyset")], "∈": [.command("in")], "θ": [.command("theta")], "α": [.command("alpha")], "β": [.command("beta")],
        "²": [.symbol("^"), .number("2")], "³": [.symbol("^"), .number("3")], "€": [.command("euro")], "£": [.command("pound")],
        "¥": [.command("yen")], "₹": [.command("rupee")], "¢": [.word("cents")],
        "½": [.number("1"), .symbol("/"), .number("2")], "¼": [.number("1"), .symbol("/"), .number("4")],
        "¾": [.number("3"), .symbol("/"), .number("4")], "⅓": [.number("1"), .symbol("/"), .number("3")],
        "⅔": [.number("2"), .symbol("/"), .number("3")], "⅛": [.number("1"), .symbol("/"), .number("8")],
        "ℝ": [.command("R")],
    ]
}
