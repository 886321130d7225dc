import Testing

@testable import Evaluation

@Suite("Equation lists")
struct EquationListTests {
    @Test(
        "equations are read from notes, else from prose",
        arguments: [
            // Notes are taken as they are but for spelling, and prose beside them is not read.
            ("Rosa packs 48/2 = <<48/2=24>>24 boxes, then 48+24 = <<48 + 24 = 72.0>>72.", ["48/2=24", "48+24=72"]),
            ("Each gets <<1,200.50*.5=600.250>>600.25, or 3 x 2 = 6.", ["1200.5*0.5=600.25"]),
            ("It is <<20%*$50=$10>>10 and <<3×4÷2=6>>6.", ["20*50=10", "3*4/2=6"]),
            ("<<x=5>> <<>> <<5=5>>", ["x=5", "5=5"]),
            // Prose.
            ("Tom earns 5 + 3 = 8 dollars. Then he spends 8 - 2 = 6 dollars.", ["5+3=8", "8-2=6"]),
            ("The boat needs $1,200.00 + $300 = $1,500 in all.", ["1200+300=1500"]),
            ("5 apples + 3 apples = 8 apples and 4 * 2 = 8 pears", ["5+3=8", "4*2=8"]),
            ("She has 12 x 2 = 24, i.e. 3x8=24 cards.", ["12*2=24", "3*8=24"]),
            ("(10 + 2) / 3 = 12/3 = 4", ["(10+2)/3=12/3=4"]),
            ("2(3 + 4) = 14, while 5 (3 + 4 = 7) is a remark", ["2*(3+4)=14", "3+4=7"]),
            ("30 miles/hour * 2 hours = 60 miles", ["30*2=60"]),
            ("12 = 4 × 3; 20% of 40 is 0.2 · 40 = 8.0", ["12=4*3", "0.2*40=8"]),
            ("7 − 9 = -2, 3 * -2 = -6, -(4 - 6) = 2", ["7-9=-2", "3*-2=-6", "-(4-6)=2"]),
            ("\\[ 6 \\times 7 = 42 \\] and $84 \\div 2 = 42$, \\$5 \\cdot 2 = \\$10", ["6*7=42", "84/2=42", "5*2=10"]),
            ("Total cost = 5 * 3 = a sum of 15", ["5*3=15"]),
            ("- 5 + 3 = 8\n- 2 + 2 = 4", ["5+3=8", "2+2=4"]),
            ("2^3 = 8. 07 + 0.50 = 7.5 (done)", ["2^3=8", "7+0.5=7.5"]),
            ("5 meters before the 1st bend + 8 after the 2nd = 13 meters", ["5+8=13"]),
            ("1/4th * 20 = 5", ["1/4*20=5"]),
            ("From the 6th floor she goes down to the 6 - 2 = 4th floor.", ["6-2=4"]),
            ("5 + 3 =", []),
            ("12 inches = 1 foot, and x = 5.", []),
            ("The answer is 72.", []),
            ("", []),
        ])
    func equations(text: String, expected: [String]) {
        #expect(EquationList(text).equations == expected)
    }

    @Test("two wordings of one calculation are the same path, another order or another calculation is not")
    func paths() {
        let first = EquationList("Nina buys 3 bags of 12 beads: 3 × 12 = 36. She loses 6, so 36 − 6 = 30 beads stay.")
        #expect(first == EquationList("3*12=36 beads are bought\nThat leaves 36.0 - 6 = 30."))
        #expect(first == EquationList("It is 3*12=<<3*12=36>>36 and 36-6=<<36-6=30>>30"))
        #expect(first != EquationList("36 - 6 = 30 after 3 * 12 = 36"))
        #expect(first != EquationList("12 * 3 = 36, 36 - 6 = 30"))
    }

    @Test("a text without equations is the same as an equal text only")
    func withoutEquations() {
        #expect(EquationList("It is ten.") == EquationList("It is ten."))
        #expect(EquationList("It is ten.") != EquationList("it is ten."))
        #expect(EquationList("x=5") != EquationList("<<x=5>>"))
    }

    @Test("the lists of correct texts are counted")
    func count() {
        let texts = ["2 + 3 = 5", "so 2+3 = 5.0!", "3 + 2 = 5", "five", "five", "1 + 4 = 5"]
        #expect(DistinctSolutions.equationCount(of: texts, correct: [true, true, true, true, true, false]) == 3)
        #expect(DistinctSolutions.equationCount(of: texts, correct: texts.map { _ in false }) == 0)
    }
}
