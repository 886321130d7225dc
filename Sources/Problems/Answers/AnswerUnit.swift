/// The unit behind a number. Units that are not known (apples, ways) all count as one that fits any.
struct AnswerUnit: Hashable, Sendable {
    /// Nil for a noun that is not a unit of measure.
    let name: String?

    static let degree = AnswerUnit(name: "degree")
    static let noun = AnswerUnit(name: nil)
    /// Words behind a number at most.
    private static let wordLimit = 8

    /// Whether numbers with these units can be the same answer.
    func fits(_ other: AnswerUnit) -> Bool { name == nil || other.name == nil || name == other.name }

    private static let names: [String: String] = {
        let table: [(String, [String])] = [
            ("mm", ["mm", "millimeter", "millimeters"]), ("cm", ["cm", "cms", "centimeter", "centimeters", "centimetres"]),
            ("m", ["m", "meter", "meters", "metre", "metres"]), ("km", ["km", "kms", "kilometer", "kilometers", "kilometres"]),
            ("in", ["in", "inch", "inches"]), ("ft", ["ft", "foot", "feet"]), ("yd", ["yd", "yds", "yard", "yards"]), ("mi", ["mi", "mile", "miles"]),
            ("mg", ["mg"]), ("g", ["g", "gram", "grams"]), ("kg", ["kg", "kgs", "kilogram", "kilograms"]), ("pound", ["lb", "lbs", "pound", "pounds", "GBP"]),
            ("oz", ["oz", "ounce", "ounces"]), ("ml", ["ml", "mL", "milliliter", "milliliters"]),
            ("l", ["l", "L", "liter", "liters", "litre", "litres"]), ("s", ["s", "sec", "secs", "second", "seconds"]),
            ("min", ["min", "mins", "minute", "minutes"]), ("h", ["h", "hr", "hrs", "hour", "hours"]), ("day", ["day", "days"]),
            ("week", ["week", "weeks"]), ("month", ["month", "months"]), ("year", ["yr", "yrs", "year", "years"]),
            ("dollar", ["dollar", "dollars", "USD", "bucks"]), ("cent", ["cent", "cents"]), ("euro", ["euro", "euros", "EUR"]),
            ("yen", ["yen", "JPY"]), ("rupee", ["rupee", "rupees", "INR", "Rs"]),
            ("celsius", ["celsius"]), ("fahrenheit", ["fahrenheit"]), ("mph", ["mph"]), ("kph", ["kph"]), ("square", ["sq"]),
        ]
        var names: [String: String] = [:]
        for (name, spellings) in table { for spelling in spellings { names[spelling] = name } }
        return names
    }()

    /// Words that say something else than a unit: another number, a doubt, a comparison.
    private static let refused: Set<String> = [
        "not", "no", "nor", "isn", "is", "are", "was", "were", "be", "if", "but", "more", "less", "than", "least", "most", "plus", "minus", "times",
        "over", "divided", "to", "from", "half", "quarter", "third", "thirds", "hundred", "thousand", "million", "billion", "trillion", "squared",
        "cubed", "wrong", "incorrect", "between", "maybe", "perhaps", "approximately", "about", "mod", "modulo", "factorial", "root", "negative",
        "positive", "below", "above", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "twenty", "thirty", "forty", "fifty", "remainder", "off", "then", "where", "with", "for", "when", "each", "either", "unless", "except",
        "dozen", "score", "point", "base", "power", "choose", "therefore", "so", "hence", "answer", "equals", "true", "false",
        "am", "pm", "because", "since", "as", "out",
    ]

    /// The currency that a word or a sign's name in front of a number says.
    static func currency(_ word: String) -> AnswerUnit? {
        guard let name = names[word], ["dollar", "euro", "yen", "rupee", "pound"].contains(name), !word.hasPrefix("lb") else { return nil }
        return AnswerUnit(name: name)
    }

    /// Whether a word directly behind a number is surely a unit and no product of letters.
    static func isMeasure(_ word: String) -> Bool { word.count >= 2 && names[word] != nil }

    /// The unit that words say; nil when they say something else.
    static func named(by words: [(text: String, isText: Bool)], power: Int?) -> AnswerUnit? {
        guard !words.isEmpty, words.count <= wordLimit else { return nil }
        var (measures, isSquare, isCubic): ([String], Bool, Bool) = ([], power == 2, power == 3)
        for (index, word) in words.enumerated() {
            let lower = word.text.lowercased()
            // "5 in total" are no inches.
            if lower == "in", index < words.count - 1 { continue }
            if refused.contains(lower) { return nil }
            if lower == "square" || lower == "sq" { isSquare = true } else if lower == "cubic" || lower == "cu" { isCubic = true }
            else if let name = names[word.text] ?? names[lower] {
                if word.text.count == 1, !word.isText { return nil }
                measures.append(name)
            } else if lower.count < 3 && lower != "of" && lower != "a" && !word.isText {
                return nil
            }
        }
        // "minutes per hour" has two measures; "years old" one; "units" none.
        guard !measures.isEmpty else { return .noun }
        return AnswerUnit(name: (isSquare ? "square " : isCubic ? "cubic " : "") + measures.joined(separator: "/"))
    }
}
