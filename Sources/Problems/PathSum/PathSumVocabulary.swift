package import Foundation

/// The three things a step may do to a value.
package enum PathSumOperator: Int, Sendable, CaseIterable {
    case add, subtract, multiply

    package var symbol: String { ["+", "-", "*"][rawValue] }
    /// The digits that may follow; multiplying by one would be a step that does nothing.
    package var digits: ClosedRange<Int> { self == .multiply ? 2...9 : 1...9 }

    package func apply(_ value: Int, _ digit: Int) -> Int {
        switch self {
        case .add: value + digit
        case .subtract: value - digit
        case .multiply: value * digit
        }
    }
}

extension PathSum {
    /// The 119 tokens of the task, as token ids: nothing at run time needs a tokenizer.
    ///
    /// `Ġ` and `Ċ` are how byte-level BPE writes a space and a newline.
    package enum Vocabulary {
        package static let pad: Int32 = 0
        package static let begin: Int32 = 1
        package static let stop: Int32 = 2
        /// A space of its own; well-formed text never contains it, but every byte-level merge starts from it.
        package static let space: Int32 = 3
        private static let firstDigit: Int32 = 4
        private static let firstNumber: Int32 = 14
        private static let firstOperator: Int32 = 114
        package static let colon: Int32 = 117
        package static let newline: Int32 = 118
        package static let count = 119

        package static func digit(_ digit: Int) -> Int32 {
            precondition((0...9).contains(digit), "\(digit) is not a digit")
            return firstDigit + Int32(digit)
        }

        /// The token of a space and a number from 0 to 99.
        package static func number(_ number: Int) -> Int32 {
            precondition((0...99).contains(number), "\(number) is not between 0 and 99")
            return firstNumber + Int32(number)
        }

        package static func token(of operation: PathSumOperator) -> Int32 { firstOperator + Int32(operation.rawValue) }

        package static func digit(of token: Int32) -> Int? {
            (0..<10).contains(token - firstDigit) ? Int(token - firstDigit) : nil
        }

        package static func number(of token: Int32) -> Int? {
            (0..<100).contains(token - firstNumber) ? Int(token - firstNumber) : nil
        }

        package static func operation(of token: Int32) -> PathSumOperator? {
            PathSumOperator(rawValue: Int(token) - Int(firstOperator))
        }

        /// The text a token stands for; nil for ids outside the vocabulary.
        package static func text(of token: Int32) -> String? {
            if let digit = digit(of: token) { return "\(digit)" }
            if let number = number(of: token) { return " \(number)" }
            if let operation = operation(of: token) { return operation.symbol }
            return switch token {
            case pad: "<pad>"
            case begin: "<s>"
            case stop: "</s>"
            case space: " "
            case colon: ":"
            case newline: "\n"
            default: nil
            }
        }

        /// What byte-level BPE calls a token: space and newline are written `Ġ` and `Ċ`.
        static func byteLevelName(of token: Int32) -> String {
            (text(of: token) ?? "").replacingOccurrences(of: " ", with: "Ġ").replacingOccurrences(of: "\n", with: "Ċ")
        }
    }

    /// A `tokenizer.json` (byte-level BPE as of GPT-2) that splits well-formed text into exactly these tokens.
    ///
    /// Numbers arise from a space by merges, `Ġ`+d and `Ġd`+d, without one for a leading zero. The bytes are always equal.
    package static func tokenizerJSON() -> Data {
        let specials: [Int32] = [Vocabulary.pad, Vocabulary.begin, Vocabulary.stop]
        let added = specials.map { token in
            """
                {"id": \(token), "content": "\(Vocabulary.byteLevelName(of: token))", "single_word": false, "lstrip": false, \
            "rstrip": false, "normalized": false, "special": true}
            """
        }
        let vocabulary = (0..<Int32(Vocabulary.count)).map { "      \"\(Vocabulary.byteLevelName(of: $0))\": \($0)" }
        let merges =
            (0...9).map { "      \"Ġ \($0)\"" }
            + (1...9).flatMap { tens in (0...9).map { "      \"Ġ\(tens) \($0)\"" } }
        let byteLevel = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}"
        return Data(
            """
            {
              "version": "1.0",
              "truncation": null,
              "padding": null,
              "added_tokens": [
            \(added.joined(separator: ",\n"))
              ],
              "normalizer": null,
              "pre_tokenizer": \(byteLevel),
              "post_processor": null,
              "decoder": \(byteLevel),
              "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": {
            \(vocabulary.joined(separator: ",\n"))
                },
                "merges": [
            \(merges.joined(separator: ",\n"))
                ]
              }
            }

            """.utf8)
    }
}
