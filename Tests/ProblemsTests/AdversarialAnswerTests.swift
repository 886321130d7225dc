import Tensor
import Testing

@testable import Problems

/// Answers that were made to break a checker: cut and glued notation, deep nesting, huge numbers, long texts.
struct AdversarialAnswers {
    var random: RandomStream
    static let golds = ["72", "\\frac{1}{2}", "2\\sqrt{3}", "x^2+2x+1", "(1,2]", "\\{1,2,3\\}", "50\\%", "\\text{Tuesday}", "y=2x+1", "1 \\pm \\sqrt{19}"]
    private static let pieces = [
        "1", "2", "9", "0", "72", "0.5", ".", ",", "1,234", "x", "y", "i", "e", "π", "(", ")", "[", "]", "{", "}", "\\{", "\\}", "+", "-", "−", "*", "/", "^", "^{", "_",
        "_{", "!", "%", "\\%", "$", "\\$", "=", "<", "\\le", ">", "|", "&", "\\\\", "\\frac", "\\frac{", "\\frac12", "\\sqrt", "\\sqrt[", "\\sqrt[3]{", "\\binom{", "\\pm",
        "\\cup", "\\infty", "\\text{", "\\text{ cm}", " cm", "^\\circ", " and ", " or ", "\\begin{pmatrix}", "\\end{pmatrix}", "\\left(", "\\right)", "\\sin", "\\log_",
        "\\boxed{", "#### ", "9^9", "10^{1000000}", "e9", "e-9999999999999999999", "\u{0}", "\u{FEFF}", "🙂", "\u{301}", "\\", "\n", "\\in", "\\mathbb{R}", "√", "²",
    ]

    mutating func next() -> String {
        switch random.below(12) {
        case 0: return String(repeating: ["(", "\\frac{", "{", "\\sqrt{", "x^{", "1\\frac{", "-(", "2^", "|", "\\sin ", "\\text{"][random.below(11)], count: 1 + random.below(3000))
        case 1: return nested(["(", "\\sqrt{", "\\frac{1}{", "9^{", "\\{", "\\sin(", "6^{n^{", "1\\frac{"][random.below(8)], 1 + random.below(40))
        case 2: return String(repeating: ["9", "1,", "x+", "9^", "\\pm 1+", "1=", "x ", "!", "0.", "(x+y)", "\\frac12", "7 or "][random.below(12)], count: 1 + random.below(2000))
        case 3: return "(\(["x+y", "a+b+c+d", "1+\\sqrt2+\\sqrt3", "x^{1/7}+y^{1/3}+1", "i+x+\\pi"][random.below(5)]))^{\(["9", "99", "9999", "-3", "1/2", "99999999999"][random.below(6)])}"
        case 4: return (0..<(1 + random.below(60))).map { "x_{\($0)}^{\(random.below(99))}" }.joined(separator: ["+", "*", ",", "="][random.below(4)])
        case 5: return String(repeating: Self.pieces[random.below(Self.pieces.count)], count: 20_000)
        case 6: return Self.golds[random.below(Self.golds.count)] + Self.pieces[random.below(Self.pieces.count)]
        case 7: return String(decoding: (0..<random.below(200)).map { _ in UInt8(random.below(256)) }, as: UTF8.self)
        default: return (0..<(1 + random.below(30))).map { _ in Self.pieces[random.below(Self.pieces.count)] }.joined()
        }
    }

    private mutating func nested(_ open: String, _ depth: Int) -> String {
        let close = open.map { $0 == "{" ? "}" : $0 == "(" ? ")" : "" }.joined()
        return String(repeating: open, count: depth) + "2" + String(repeating: close, count: depth)
    }
}

extension RandomStream {
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

@Suite("Adversarial answers")
struct AdversarialAnswerTests {
    #if DEBUG
        private static let count = 1_000
    #else
        private static let count = 10_000
    #endif

    @Test("answers made to break the checker are judged within its budget, and none equals what it is not")
    func budget() {
        var answers = AdversarialAnswers(random: RandomStream(seed: 20, purpose: .task))
        let golds = AdversarialAnswers.golds.map { Answer($0) }
        var (worst, slowest, reasons, equal): (Int, Duration, [AnswerVerdict.Reason: Int], Set<String>) = (0, .zero, [:], [])
        for index in 0..<Self.count {
            let text = answers.next()
            let gold = index % golds.count
            let start = ContinuousClock.now
            let verdict = Answer.judge(gold: golds[gold], prediction: Answer(text))
            worst = max(worst, verdict.steps)
            reasons[verdict.reason, default: 0] += 1
            if verdict.isEqual { equal.insert("\(AdversarialAnswers.golds[gold]) == \(text)") }
            _ = AnswerExtraction.flexible(text)
            _ = HarnessRule.strict.isCorrect(text, gold: "72")
            _ = HarnessRule.flexible.isCorrect(text, gold: "72")
            slowest = max(slowest, start.duration(to: .now))
        }
        #expect(worst <= StepBudget.perPair)
        #expect(reasons.count > 10)
        print("adversarial answers: \(Self.count), at most \(worst) steps, \(slowest);", reasons.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "))
        print(equal.sorted().joined(separator: "\n"))
    }
}
