import Foundation
import Model
import Tensor
import Testing

@testable import Problems

@Suite("Tasks that list their responses")
struct EnumerableTaskTests {
    typealias Vocabulary = PathSum.Vocabulary
    typealias Ends = [(text: String, logReward: Double)]

    /// PathSum's own, with a begin token that only the model's configuration names.
    static func tokenizer() throws -> Tokenizer {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-\(UUID().uuidString).json")
        try PathSum.tokenizerJSON().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try Tokenizer.load(json: file.path)
    }

    static func task(
        _ problems: [EnumerableProblem], correctAt: Double? = nil, stop: [Int32] = [Vocabulary.stop], context: Int = 64
    ) throws -> EnumerableTask {
        try EnumerableTask(
            name: "list", problems: problems, correctAt: correctAt, tokenizer: try tokenizer(), beginToken: Vocabulary.begin,
            stopTokens: StopTokens(stop), taughtStop: Vocabulary.stop, contextLength: context)
    }

    private static let ends: Ends = [(" 0 1", -8), ("", 0.1), (" 0 1 2 3", 2), (" 5", -4)]

    private static func small(correctAt: Double? = -4) throws -> EnumerableTask {
        try task(
            [EnumerableProblem(prompt: " 0 9:", ends: ends), EnumerableProblem(prompt: " 3 4:", ends: [("+1 4\n", 0)])],
            correctAt: correctAt)
    }

    private static func numbers(_ numbers: Int...) -> [Int32] { numbers.map(Vocabulary.number) }

    @Test("a response may end at each prefix that is listed, with the log reward that is listed there")
    func states() throws {
        let task = try Self.small()
        let states = task.states(of: Self.numbers(0, 1, 2, 3), stop: .stopToken, problem: 0)
        #expect(
            states == [
                TerminableState(index: 0, process: Float(0.1), isFinished: true, isCorrect: true),
                TerminableState(index: 2, process: -8, isFinished: true, isCorrect: false),
                TerminableState(index: 4, process: 2, isFinished: true, isCorrect: true),
            ])
        #expect(task.states(of: [], stop: .stopToken, problem: 0) == Array(states.prefix(1)))
        #expect(task.states(of: Self.numbers(5), stop: .length, problem: 0).map(\.index) == [0, 1])
        // The other problem has no end at its root.
        let step: [Int32] = [Vocabulary.token(of: .add), Vocabulary.digit(1), Vocabulary.number(4), Vocabulary.newline]
        #expect(task.states(of: step, stop: .stopToken, problem: 1).map(\.index) == [4])
    }

    @Test("ends of at least a log reward are right, or all of them")
    func correctness() throws {
        let (some, all) = (try Self.small(), try Self.small(correctAt: nil))
        #expect(some.ends(of: 0).map(\.isCorrect) == [false, true, true, true])
        #expect(all.ends(of: 0).map(\.isCorrect) == [true, true, true, true])
        #expect(some.verdict(on: Self.numbers(0, 1), stop: .stopToken, problem: 0) == Verdict(.wrong))
        #expect(some.verdict(on: Self.numbers(5), stop: .stopToken, problem: 0) == Verdict(.correct))
        #expect(all.verdict(on: Self.numbers(0, 1), stop: .stopToken, problem: 0) == Verdict(.correct))
    }

    @Test("ends and the tree of legal responses say the same, in the model's tokens")
    func responses() throws {
        let task = try Self.small()
        let ends = task.ends(of: 0)
        #expect(ends.map(\.text) == Self.ends.map(\.text) && ends.map(\.logReward) == Self.ends.map { Float($0.logReward) })
        #expect(ends.map(\.tokens) == [Self.numbers(0, 1), [], Self.numbers(0, 1, 2, 3), Self.numbers(5)])
        #expect(task.legalResponses(to: 0) == TokenTree(ends.map(\.tokens)))
        #expect(task.problemCount == 2 && task.defaultMaxNewTokens == 5)
        for end in ends {
            #expect(task.responseTokens(of: end.text, to: 0) == end.tokens && task.text(of: end.tokens) == end.text)
        }
    }

    @Test("prompts begin with the model's begin token and are called by their text; a step ends with a line")
    func prompts() throws {
        let task = try Self.small()
        #expect(task.promptTokens(of: 1) == PathSum.promptTokens(of: PathSum.Pair(start: 3, target: 4)))
        #expect(task.identifier(of: 0) == " 0 9:" && task.question(of: 0) == " 0 9:")
        #expect(task.gold(of: 0) == nil && task.demonstration(of: 0, sample: 0) == nil && task.preference(of: 0) == nil)
        #expect(task.stepEnd == [Vocabulary.newline])
        #expect(task.isStepEnd(Vocabulary.newline) && !task.isStepEnd(Vocabulary.colon))
    }

    @Test("a task whose only response is none has room for its end")
    func emptyResponses() throws {
        let problems = [" 0:", " 1:"].map { EnumerableProblem(prompt: $0, ends: [("", 0)]) }
        #expect(try Self.task(problems).defaultMaxNewTokens == 1)
    }

    @Test("as many ends as a list may have are a task")
    func mostEnds() throws {
        let ends: Ends = (0..<4096).map { (" \($0 / 64) \($0 % 64)", Double($0)) }
        #expect(try Self.task([EnumerableProblem(prompt: ":", ends: ends)]).legalResponses(to: 0)?.nodeCount == 1 + 64 + 4096)
    }

    @Test("a response that is not listed cannot be judged")
    func unlisted() async {
        await #expect(processExitsWith: .failure) {
            let task = try Self.small()
            _ = task.states(of: Self.numbers(0), stop: .length, problem: 0)
        }
        await #expect(processExitsWith: .failure) {
            let task = try Self.small()
            _ = task.verdict(on: Self.numbers(7), stop: .stopToken, problem: 0)
        }
    }

    // MARK: Errors

    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let problems: [EnumerableProblem]
        var stop: [Int32] = [Vocabulary.stop]
        var context = 64
        let message: String
        var testDescription: String { name }
    }

    private static func problem(_ ends: Ends, behind prompt: String = " 0:", place: String? = "t.yaml:7") -> EnumerableProblem {
        EnumerableProblem(prompt: prompt, ends: ends, place: place)
    }

    private static let two: Ends = [("", 0), (" 1", 1)]

    static let faults = [
        Fault(
            name: "no ends", problems: [problem(two, place: nil), problem([], behind: " 1:", place: nil)],
            message: "list, problem 2: there are no ends, expected each legal response with its log reward"),
        Fault(
            name: "one end", problems: [problem([("", 0)])],
            message: "list: the number of ends is 1, expected 2 to 4096 over all problems of a task"),
        Fault(
            name: "no problems", problems: [], message: "list: the number of ends is 0, expected 2 to 4096 over all problems of a task"),
        Fault(
            name: "4097 ends", problems: [problem((0..<4097).map { (" \($0 / 64) \($0 % 64)", 0) })],
            message: "list: the number of ends is 4097, expected 2 to 4096 over all problems of a task"),
        Fault(
            name: "no number", problems: [problem([("", 0), (" 1", .nan)])],
            message: "t.yaml:7: the end \" 1\" has log reward nan, expected a finite number of nats"),
        Fault(
            name: "beyond a float", problems: [problem([("", 0), ("+1 3\n", 1e300)])],
            message: "t.yaml:7: the end \"+1 3\\n\" has log reward 1e+300, expected a finite number of nats"),
        Fault(
            name: "an end twice", problems: [problem([(" 1", 0), ("", 2), (" 1", 1)])],
            message: "t.yaml:7: the end \" 1\" is listed twice, expected each response once; leave one of them out"),
        Fault(
            name: "a stop token", problems: [problem([("", 0), ("+1 3\n", 1)])], stop: [Vocabulary.stop, Vocabulary.newline],
            message: "t.yaml:7: the end \"+1 3\\n\" holds token 118, which ends a response of this model, expected a text without it"),
        Fault(
            name: "an empty prompt", problems: [problem(two, behind: "")],
            message: "t.yaml:7: the prompt is empty, expected a text that the responses continue"),
        Fault(
            name: "a prompt twice", problems: [problem(two), problem(two, behind: " 1:"), problem(two, place: "t.yaml:9")],
            message: "t.yaml:9: the prompt \" 0:\" is that of t.yaml:7 too, expected different prompts; put their ends together"),
        Fault(
            name: "a long end", problems: [problem([("", 0), (" 1 2 3", 1)])], context: 5,
            message: "t.yaml:7: the prompt has 3 tokens and its longest end 3, expected at most 5 together, the model's context; "
                + "shorten them or take a model with a longer context"),
        Fault(
            name: "an end in other letters", problems: [problem([("", 0), (" one", 1)])],
            message: "t.yaml:7: the model's tokenizer has no tokens for the end \" one\", expected one that it can give back"),
        Fault(
            name: "a prompt in other letters", problems: [problem(two, behind: "Sum: 0:")],
            message: "t.yaml:7: the model's tokenizer has no tokens for the prompt \"Sum: 0:\", expected one that it can give back"),
    ]

    @Test("what is wrong with a list is said in one sentence, with its place", arguments: faults)
    func errors(fault: Fault) throws {
        #expect {
            try Self.task(fault.problems, stop: fault.stop, context: fault.context)
        } throws: { error in
            let message = (error as? EnumerableTaskError)?.description
            if message != fault.message { Issue.record("\(message ?? "\(error)")") }
            return message == fault.message
        }
    }

    @Test("a prompt and its longest end may fill the context")
    func fullContext() throws {
        #expect(try Self.task([Self.problem([("", 0), (" 1 2 3", 1)])], context: 6).problemCount == 1)
    }
}
