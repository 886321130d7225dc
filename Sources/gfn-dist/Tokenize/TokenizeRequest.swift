internal import Foundation
internal import Model

/// One line of what `tokenize` reads.
struct TokenizeRequest: Decodable {
    struct Message: Decodable {
        let role, content: String
    }

    let text: String?
    let ids: [Int]?
    let messages: [Message]?
    /// Of this line alone, as datasets of rendered conversations have it; else what the command line says.
    let add_generation_prompt: Bool?

    /// - Parameter place: file and line, for messages.
    static func read(_ bytes: [UInt8], at place: String) throws(RunError) -> TokenizeRequest {
        do {
            return try JSONDecoder().decode(TokenizeRequest.self, from: Data(bytes))
        } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
            throw wrong(context.codingPath, at: place)
        } catch DecodingError.valueNotFound(_, let context) where !context.codingPath.isEmpty {
            throw wrong(context.codingPath, at: place)
        } catch DecodingError.keyNotFound(let key, let context) where !context.codingPath.isEmpty {
            throw wrong(context.codingPath + [key], at: place)
        } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
            throw wrong(context.codingPath, at: place)
        } catch {
            throw .badData("\(place) is not a JSON object; each line is one, such as {\"text\": \"Hello\"}")
        }
    }

    private static func wrong(_ path: [any CodingKey], at place: String) -> RunError {
        let expected =
            switch path[0].stringValue {
            case "ids": "a list of token ids"
            case "messages": "a list of objects with role and content, both text"
            case "add_generation_prompt": "true or false"
            default: "a text"
            }
        let name = path.reduce("") { $0 + ($1.intValue.map { "[\($0)]" } ?? ($0.isEmpty ? $1.stringValue : ".\($1.stringValue)")) }
        guard path.count > 1 else { return .badData("\(place): \(name) is of another type, expected \(expected)") }
        return .badData("\(place): \(name) is missing or of another type, expected \(path[0].stringValue) to be \(expected)")
    }
}
