import Foundation
import Model
import Tensor
import TestSupport
import Testing

@testable import Problems

/// PathSum's own tokenizer has numbers and newlines, which is all that judging needs.
@Suite("Word problems")
struct WordProblemsTests {
    private let tokenizer: Tokenizer
    private let task: WordProblems

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gfn-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("tokenizer.json")
        try PathSum.tokenizerJSON().write(to: file)
        tokenizer = try Tokenizer.load(json: file.path)
        try FileManager.default.removeItem(at: folder)
        let problem = Problem(
            messages: [ChatMessage(role: "user", content: " 37 84:")], solution: "+7 44\n<<37+7=44>>*2 88\n", answer: "84")
        task = WordProblems(
            name: "words", problems: [problem], tokenizer: tokenizer, chatTemplate: nil,
            stopTokens: StopTokens([PathSum.Vocabulary.stop]), taughtStop: PathSum.Vocabulary.stop)
    }

    @Test("our tokenizer splits PathSum's text into PathSum's tokens, and back")
    func pathSumTokens() throws {
        let pathSum = PathSum(pairs: [PathSum.Pair(start: 37, target: 84), PathSum.Pair(start: 0, target: 9)])
        for problem in 0..<2 {
            let solution = try #require(pathSum.demonstration(of: problem, sample: 1))
            let ids = pathSum.promptTokens(of: problem) + solution + [pathSum.taughtStop]
            #expect(tokenizer.encode(pathSum.text(of: ids)) == ids)
            #expect(tokenizer.decode(ids) == pathSum.text(of: ids))
        }
        #expect(tokenizer.vocabularySize == PathSum.Vocabulary.count)
    }

    @Test("a response may end after each line that is not blank, and is finished only at its own end")
    func states() {
        let response = tokenizer.encode("+7 44\n\n*2 88\n 84")
        let states = task.states(of: response, stop: .stopToken, problem: 0)
        #expect(states.map(\.index) == [4, 9, 10])
        #expect(states.map(\.isFinished) == [false, false, true])
        #expect(states.map(\.isCorrect) == [false, false, true])
        #expect(states.allSatisfy { $0.process == 0 })
        let cut = task.states(of: response, stop: .length, problem: 0)
        #expect(cut.map(\.isFinished) == [false, false, false] && cut.allSatisfy { !$0.isCorrect })
    }

    @Test("a newline at the very end and an empty response give one last state")
    func ends() {
        #expect(task.states(of: tokenizer.encode("+7 44\n"), stop: .stopToken, problem: 0).map(\.index) == [4])
        #expect(task.states(of: [], stop: .stopToken, problem: 0).map(\.index) == [0])
        #expect(task.verdict(on: [], stop: .stopToken, problem: 0) == Verdict(.unread))
    }

    @Test("the verdict goes by the last number, and by whether the response ended")
    func verdicts() {
        #expect(task.verdict(on: tokenizer.encode("-4 84\n"), stop: .stopToken, problem: 0) == Verdict(.correct, answer: "84"))
        #expect(task.verdict(on: tokenizer.encode("-4 83\n"), stop: .stopToken, problem: 0) == Verdict(.wrong, answer: "83"))
        #expect(task.verdict(on: tokenizer.encode("-4 84\n"), stop: .length, problem: 0) == Verdict(.unfinished))
    }

    @Test("demonstrations come without calculator notes, prompts with the instruction")
    func texts() throws {
        #expect(task.text(of: try #require(task.demonstration(of: 0, sample: 0))) == "+7 44\n*2 88\n")
        let problem = Problem(messages: [ChatMessage(role: "user", content: "How many?")], solution: nil, answer: nil)
        let plain = WordProblems.plainText(of: problem)
        #expect(plain.hasPrefix(WordProblems.instruction) && plain.hasSuffix("Problem: How many?\nSolution:\n"))
        #expect(WordProblems.conversation(of: problem).map(\.role) == ["system", "user"])
        #expect(WordProblems.conversation(of: problem)[0].content == WordProblems.instruction)
    }

    /// SentencePiece's kind marks the beginning of a text, and of a text alone. Ids from transformers 5.23.
    @Test("a prompt begins as the tokenizer says, and a demonstration is tokenised as its continuation")
    func continuation() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appendingPathComponent("ModelTests/Fixtures/tokenizer/tiny-llama2/tokenizer.json")
        let tokenizer = try Tokenizer.load(json: file.path)
        let question = ChatMessage(role: "user", content: "2+3?")
        let problem = Problem(messages: [question], solution: "so 5\n#### 5", answer: "5", line: 7)
        func task(_ limit: Int) -> WordProblems {
            WordProblems(
                name: "words", problems: [problem], tokenizer: tokenizer, chatTemplate: nil, stopTokens: StopTokens([2]), taughtStop: 2, maxExampleTokens: limit)
        }
        let fits = task(86)
        let prompt = fits.promptTokens(of: 0)
        #expect(prompt.count == 81 && prompt.first == 1 && !prompt.dropFirst().contains(1))
        #expect(fits.demonstration(of: 0, sample: 0) == [339, 335, 468, 537, 468])
        #expect(fits.longExamples.count == 0 && task(85).problemCount == 0)
        #expect(
            task(85).longExamples.sentence(of: "f.jsonl")
                == "1 example of f.jsonl is longer than 85 tokens (line 7; the longest has 86)")
    }

    @Test("a preference is two continuations of one prompt, the chosen one first; only data that has both knows any")
    func preferences() throws {
        func task(_ rejected: [String?], limit: Int = .max) -> WordProblems {
            let problems = rejected.enumerated().map { index, rejected in
                var problem = Problem(
                    messages: [ChatMessage(role: "user", content: " 37 84:")], solution: "+7 44\n<<37+7=44>>*2 88\n", answer: nil,
                    line: index + 1)
                problem.rejected = rejected
                return problem
            }
            return WordProblems(
                name: "pairs", problems: problems, tokenizer: tokenizer, chatTemplate: nil,
                stopTokens: StopTokens([PathSum.Vocabulary.stop]), taughtStop: PathSum.Vocabulary.stop, maxExampleTokens: limit)
        }
        let rejected: [String?] = ["+7 45\n", nil, "-4 33\n-4 29\n-4 25\n"]
        let all = task(rejected)
        let first = try #require(all.preference(of: 0)), last = try #require(all.preference(of: 2))
        #expect(first.chosen == tokenizer.encode("+7 44\n*2 88\n") && first.chosen == all.demonstration(of: 0, sample: 0))
        #expect(first.rejected == tokenizer.encode("+7 45\n") && last.rejected.count == 12)
        #expect(all.preference(of: 1) == nil)
        #expect(PathSum(split: .train).preference(of: 0) == nil)
        // The longer reply of a pair has to fit.
        let chosenFits = all.promptTokens(of: 0).count + first.chosen.count
        let some = task(rejected, limit: chosenFits)
        #expect(some.problemCount == 2 && some.preference(of: 1) == nil && some.longExamples.lines == [3])
        #expect(task(rejected, limit: chosenFits - 1).problemCount == 0)
        #expect(task(rejected, limit: chosenFits + 4).problemCount == 3)
    }

    @Test("problems whose prompts are longer than allowed are left out, and counted with their lines")
    func longPrompts() {
        let problems = (1...30).map { line in
            Problem(messages: [ChatMessage(role: "user", content: String(repeating: " 37", count: line))], solution: nil, answer: "\(line)", line: line)
        }
        func task(_ limit: Int) -> WordProblems {
            WordProblems(
                name: "words", problems: problems, tokenizer: tokenizer, chatTemplate: nil, stopTokens: StopTokens([PathSum.Vocabulary.stop]), taughtStop: PathSum.Vocabulary.stop, maxPromptTokens: limit)
        }
        let all = task(.max)
        #expect(all.problemCount == 30 && all.longPrompts.count == 0)
        let some = task(all.promptTokens(of: 17).count)
        #expect((0..<some.problemCount).map(some.promptTokens) == (0..<18).map(all.promptTokens))
        #expect(some.longPrompts.count == 12 && some.longPrompts.lines == Array(19...26))
        #expect(some.verdict(on: tokenizer.encode(" 18"), stop: .stopToken, problem: 17).isCorrect)
        let (limit, longest) = (all.promptTokens(of: 17).count, all.promptTokens(of: 29).count)
        #expect(
            some.longPrompts.sentence(of: "f.jsonl") == "12 prompts of f.jsonl are longer than \(limit) tokens "
                + "(lines 19, 20, 21, 22, 23, 24, 25, 26, …; the longest has \(longest))")
        #expect(task(1).problemCount == 0)
    }
}
