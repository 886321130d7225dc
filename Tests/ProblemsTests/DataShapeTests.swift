import Model
import Testing

@testable import Problems

@Suite("Shapes of data")
struct DataShapeTests {
    /// A row, and what is read of it: the turns as "role: content", the solution and the gold answer.
    struct Row: CustomTestStringConvertible, Sendable {
        let json: String
        let turns: [String]
        let solution, answer: String?

        init(_ json: String, _ turns: [String], solution: String? = nil, answer: String?) {
            (self.json, self.turns, self.solution, self.answer) = (json, turns, solution, answer)
        }

        var testDescription: String { json }
    }

    private static let rows = [
        // TRL.
        Row(#"{"prompt": "Q", "answer": "18"}"#, ["user: Q"], answer: "18"),
        Row(#"{"prompt": "Q", "answer": "9 + 9 = 18\n#### 18"}"#, ["user: Q"], solution: "9 + 9 = 18\n#### 18", answer: "18"),
        Row(
            #"{"prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "answer": "18", "question": "Q"}"#,
            ["system: S", "user: Q"], answer: "18"),
        Row(#"{"prompt": [{"role": "user", "content": "Q"}], "solution": "$\\frac12$"}"#, ["user: Q"], solution: "$\\frac12$", answer: "$\\frac12$"),
        Row(#####"{"prompt": [{"role": "user", "content": "Q"}], "completion": [{"role": "assistant", "content": "#### 3"}]}"#####, ["user: Q"], solution: "#### 3", answer: "3"),
        Row(#"{"prompt": "Q", "completion": 3}"#, ["user: Q"], solution: "3", answer: "3"),
        // verl.
        Row(
            #"{"data_source": "openai/gsm8k", "prompt": [{"role": "user", "content": "Q"}], "ability": "math", "reward_model": {"style": "rule", "ground_truth": "72"}, "extra_info": {"answer": "no #### 7", "index": 0, "question": "other"}}"#,
            ["user: Q"], answer: "72"),
        Row(#"{"prompt": "Q", "reward_model": {"ground_truth": 72}}"#, ["user: Q"], answer: "72"),
        Row(#"{"prompt": "Q", "reward_model": {"ground_truth": ["72"]}, "answer": "9"}"#, ["user: Q"], answer: "72"),
        // Published data sets.
        Row(#"{"question": "Q", "solution": "So \\boxed{4}."}"#, ["user: Q"], solution: "So \\boxed{4}.", answer: "4"),
        Row(#"{"question": "Q", "solution": "4"}"#, ["user: Q"], solution: "4", answer: "4"),
        Row(#"{"question": "Q", "solution": "We are done at last, as everyone sees.", "answer": 4}"#, ["user: Q"], solution: "We are done at last, as everyone sees.", answer: "4"),
        Row(#"{"problem": "Q", "expected_answer": "4", "generated_solution": "…"}"#, ["user: Q"], answer: "4"),
        Row(#"{"question": "Q", "expected_answer": 4, "answer": "a long story"}"#, ["user: Q"], answer: "4"),
        Row(#"{"prompt": "Q", "expected_answer": ["4"], "solution": "\\boxed{5}"}"#, ["user: Q"], solution: "\\boxed{5}", answer: "4"),
        Row(#"{"question": "Q", "final_answer": "4"}"#, ["user: Q"], answer: "4"),
        Row(#"{"question": "Q", "ground_truth": "4"}"#, ["user: Q"], answer: "4"),
        Row(#"{"query": "Q", "response": "So 110. The answer is: 110", "type": "GSM_Rephrased"}"#, ["user: Q"], solution: "So 110. The answer is: 110", answer: "110"),
        Row(#"{"question": "Q", "answer": "4", "response": "anyone's, 5"}"#, ["user: Q"], answer: "4"),
        Row(#"{"problem": "Q", "solution": "\\boxed{4}", "messages": [{"role": "user", "content": "other"}]}"#, ["user: Q"], solution: "\\boxed{4}", answer: "4"),
        Row(
            #####"{"prompt": "Q", "prompt_id": "a", "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "#### 4"}]}"#####,
            ["user: Q"], solution: "#### 4", answer: "4"),
        Row(#"{"problem": "Q"}"#, ["user: Q"], answer: nil),
        Row(#"{"problem": "Q", "answer": " ", "solution": "\\boxed{4}"}"#, ["user: Q"], solution: "\\boxed{4}", answer: "4"),
        Row(#"{"question": "Q", "final_answer": "", "answer": "4"}"#, ["user: Q"], answer: "4"),
        Row(#"{"question": "Q", "expected_answer": ""}"#, ["user: Q"], answer: nil),
        // Conversations.
        Row(#"{"messages": [{"role": "user", "content": "Q"}], "answer": "4"}"#, ["user: Q"], answer: "4"),
        Row(
            #"{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "The answer is 4."}]}"#,
            ["system: S", "user: a", "assistant: b", "user: c"], solution: "The answer is 4.", answer: "4"),
        Row(
            #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "answer": 4}"#,
            ["user: a", "assistant: b", "user: c"], answer: "4"),
        Row(
            #"{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "answer": 4}"#,
            ["user: a", "assistant: b", "user: c"], answer: "4"),
        Row(
            #####"{"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "Q"}, {"from": "gpt", "value": "#### 4"}]}"#####,
            ["system: S", "user: Q"], solution: "#### 4", answer: "4"),
        Row(
            #####"{"messages": [{"from": "Human", "value": "a"}, {"from": "bot", "value": "b"}, {"role": "user", "content": "c"}, {"role": "model", "content": "#### 4"}]}"#####,
            ["user: a", "assistant: b", "user: c"], solution: "#### 4", answer: "4"),
        Row(#"{"messages": [{"role": "developer", "content": "S"}, {"role": "User", "content": "Q"}]}"#, ["system: S", "user: Q"], answer: nil),
        Row(
            #####"{"messages": [{"role": "user", "content": [{"type": "text", "text": "Q "}, {"type": "text", "text": "R", "image_url": null}]}, {"role": "assistant", "content": [{"type": "text", "text": "#### 4"}]}]}"#####,
            ["user: Q R"], solution: "#### 4", answer: "4"),
        Row(#"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}], "answer": "4"}"#, ["user: Q"], answer: "4"),
    ]

    @Test("a row is read with what poses its problem, its solution and its gold answer", arguments: rows)
    func shape(row: Row) throws {
        let problem = try #require(try ProblemFile.parse(Array(row.json.utf8), path: "p").first)
        #expect(problem.messages.map { "\($0.role): \($0.content)" } == row.turns)
        #expect(problem.solution == row.solution)
        #expect(problem.answer == row.answer)
    }

    @Test(
        "an answer is a text, a number, or the only element of a list",
        arguments: [
            ("18", "18"), ("18.0", "18.0"), ("-18", "-18"), ("\"18\"", "18"), ("\" 18\\n\"", "18"), ("[18]", "18"), ("[\"18\"]", "18"), ("[0.5]", "0.5"),
            ("1e3", "1000.0"), ("0.00002", "0.00002"), ("-1.25e-7", "-0.000000125"), ("9007199254740993", "9007199254740993"),
            ("-9223372036854775808", "-9223372036854775808"), ("[\"#### 18\"]", "18"),
        ])
    func answers(json: String, answer: String) throws {
        for field in ["answer", "expected_answer"] where field == "answer" || !json.contains("#") {
            let problems = try ProblemFile.parse(Array("{\"question\": \"Q\", \"\(field)\": \(json)}".utf8), path: "p")
            #expect(problems.map(\.answer) == [answer])
        }
    }

    @Test(
        "what cannot be read is refused with its field",
        arguments: [
            (#"{"question": "Q", "answer": []}"#, "answer: expected a text or a list of one, found an array of 0"),
            (#"{"question": "Q", "answer": ["18", "19"]}"#, "answer: expected a text or a list of one, found an array of 2"),
            (#"{"question": "Q", "answer": [["18"]]}"#, "answer[0]: expected a text, found an array of 1"),
            (#"{"question": "Q", "answer": [null]}"#, "answer[0]: expected a text, found null"),
            (#"{"question": "Q", "answer": {"value": 1}}"#, "answer: expected a text, found an object of 1"),
            (#"{"question": "Q", "answer": 1e300}"#, "answer: expected a text, found 1e+300"),
            (#"{"question": "Q", "answer": 123456789012345678901}"#, "answer: expected a text, found 1.2345678901234568e+20"),
            (#"{"prompt": "Q"}"#, "expected a prompt, question, problem or query with an answer or a solution, or messages, found the fields prompt"),
            (
                #"{"prompt": "Q", "chosen": "A", "rejected": "B"}"#,
                "expected a prompt, question, problem or query with an answer or a solution, or messages "
                    + "(preferences are for --objective dpo with --set dpo.source=data), found the fields prompt, chosen, rejected"
            ),
            (#"{"question": "Q", "answer": null}"#, "expected a prompt, question, problem or query with an answer or a solution, or messages, found the fields question, answer"),
            (#"{"prompt": "Q", "reward_model": {"style": "model"}}"#, "reward_model.ground_truth: expected a text, found nothing"),
            (#"{"prompt": "Q", "reward_model": {"ground_truth": {"target": "4"}}}"#, "reward_model.ground_truth: expected a text, found an object of 1"),
            (#"{"prompt": [], "answer": "4"}"#, "prompt: expected a text or a list of {role, content}, found an array of 0"),
            (#"{"prompt": ["Q"], "answer": "4"}"#, "prompt[0]: expected an object, found \"Q\""),
            (
                #"{"prompt": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}], "answer": "4"}"#,
                "prompt: expected turns of which the last is the user's, found an array of 2"
            ),
            (#"{"prompt": "Q", "completion": [{"role": "user", "content": "A"}]}"#, "completion: expected a text or one turn of the assistant, found an array of 1"),
            (#"{"messages": [{"role": "system", "content": "S"}]}"#, "messages: expected a turn of the user, and at most one reply after it, found an array of 1"),
            (
                #"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]}"#,
                "messages: expected a turn of the user, and at most one reply after it, found an array of 3"
            ),
            (#"{"messages": [{"role": "user", "content": "Q"}, {"role": "tool", "content": "4"}]}"#, "messages[1].role: expected system, user or assistant, found \"tool\""),
            (#"{"conversations": [{"from": "observation", "value": "4"}]}"#, "conversations[0].from: expected system, user or assistant, found \"observation\""),
            (#"{"messages": [{"content": "Q"}]}"#, "messages[0].role: expected a text, found nothing"),
            (#"{"messages": [{"role": "user", "value": "Q"}]}"#, "messages[0].content: expected a text, found nothing"),
            (
                #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}, {"type": "image_url", "image_url": {"url": "u"}}]}]}"#,
                "messages[0].content[1].type: expected \"text\", found \"image_url\""
            ),
            (#"{"messages": [{"role": "user", "content": [{"type": "text"}]}]}"#, "messages[0].content[0].text: expected a text, found nothing"),
            (#"{"messages": [{"role": "user", "content": [{"text": "Q"}]}]}"#, "messages[0].content[0].type: expected \"text\", found nothing"),
            (#"{"messages": [{"role": "user", "content": []}]}"#, "messages[0].content: expected a text or a list of {type, text}, found an array of 0"),
            (#"{"messages": [{"role": "user", "content": ["Q"]}]}"#, "messages[0].content[0]: expected an object, found \"Q\""),
        ])
    func refused(line: String, message: String) {
        #expect { try ProblemFile.parse(Array("{\"problem\": \"a\"}\n\(line)".utf8), path: "p") } throws: { "\($0)" == "p:2: \(message)" }
    }

    @Test("the replies of a preference are the assistant's")
    func preferences() throws {
        let line = #"{"prompt": "P", "chosen": [{"from": "human", "value": "P"}, {"from": "gpt", "value": "c"}], "rejected": [{"role": "user", "content": "d"}]}"#
        #expect { try PreferenceFile.parse(Array(line.utf8), path: "p") } throws: {
            "\($0)" == "p:1: rejected: expected turns of which the last is the assistant's, found an array of 1"
        }
    }
}

@Suite("Names and fields of problems")
struct ProblemNameTests {
    private func read(_ lines: String, fields: [String] = []) throws -> [Problem] {
        try ProblemFile.parse(Array(lines.utf8), path: "p", fields: fields)
    }

    @Test("a problem has the name its file gives, where all rows have one, each another")
    func names() throws {
        func row(_ names: String) -> String { #"{\#(names)"question":"q","answer":"1"}"# + "\n\n" }
        let named = try read(row(#""id":"a","unique_id":7,"#) + row(#""id":"b","unique_id":8,"#))
        #expect(named.map(\.id) == ["a", "b"])
        let twice = try read(row(#""id":"a","unique_id":7,"#) + row(#""id":"a","unique_id":8,"#))
        #expect(twice.map(\.id) == ["7", "8"])
        let partly = try read(row(#""id":"a","#) + row(""))
        #expect(partly.map(\.id) == ["0", "1"])
    }

    @Test("fields that are asked for are kept as texts, where a row has them")
    func fields() throws {
        let rows = try read(
            #"{"level":3,"kind":"x","hard":true,"question":"q","answer":"1"}"# + "\n" + #"{"kind":["x"],"question":"q","answer":"1"}"#,
            fields: ["level", "kind", "hard"])
        #expect(rows.map(\.fields) == [["level": "3", "kind": "x", "hard": "true"], [:]])
    }
}
