import Foundation
import Processes
import Testing

@testable import Fuzzing

/// The folder of the tests' binaries, in which the program lies too.
private let binaries = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
private let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("ModelTests/Fixtures").path

/// Runs `gfn-fuzz` as a user would.
private func fuzz(_ arguments: [String]) throws -> (end: ChildProcess.End, output: String) {
    let scratch = try ScratchFolder()
    let end = try ChildProcess(
        [binaries.appendingPathComponent("gfn-fuzz").path, "--corpus", models] + arguments, output: .file("\(scratch.path)/output"),
        errors: .file("\(scratch.path)/errors")
    ).wait(seconds: 300)
    let texts = try ["output", "errors"].map { try String(contentsOfFile: "\(scratch.path)/\($0)", encoding: .utf8) }
    return (end, texts.joined())
}

@Suite("Damaged files", .serialized) struct CampaignTests {
    @Test("each is read rightly or refused, in time and within memory", arguments: FormatCatalogue.names)
    func format(_ name: String) throws {
        // Those that start the program for every case take a hundred times longer.
        let cases = ["settings", "score", "tokenize"].contains(name) ? 40 : 300
        let (end, output) = try fuzz(["--format", name, "--seed", "11", "--cases", "\(cases)"])
        #expect(end == .exited(0), "\(output)")
        let row = output.split(separator: "\n").last.map { $0.split(separator: " ") } ?? []
        #expect(row.count > 3 && row[0] == name)
        if row.count > 3 {
            print("Damaged files: \(name): \(row[1]) read, \(row[2]) refused, \(row[3]) failed")
            #expect(Int(row[1]).map { $0 > 0 } ?? false, "nothing was accepted: the damage is too coarse to test anything but the front door")
            #expect((Int(row[1]) ?? 0) + (Int(row[2]) ?? 0) == cases)
        }
    }

    @Test("a reader that traps, hangs, dawdles, takes memory, throws strangers or accepts nonsense is found, and each case named")
    func faults() throws {
        let arguments = ["--format", FormatCatalogue.faults, "--seed", "5", "--cases", "24", "--patience", "6", "--time-limit", "0.5"]
        let (end, output) = try fuzz(arguments)
        #expect(end == .exited(1))
        for what in ["reader died: killed", "nothing came of it", "it took", "it allocated", "error of type Stranger", "it was accepted"] {
            #expect(output.contains(what), "\(what) is missing in: \(output)")
        }
        let stranger = try #require(output.split(separator: "\n").first { $0.contains("Stranger") }?.split(separator: ":").first)
        let named = stranger.split(separator: " ").map(String.init)
        let replayed = try fuzz(["--replay"] + named)
        #expect(replayed.end == .exited(1) && replayed.output.contains("Stranger"), "\(replayed.output)")
    }
}

@Suite("Damage") struct MutationTests {
    @Test("follows from seed, format and number alone, and is another for another number", arguments: ["safetensors", "gguf", "config", "trajectory", "settings"])
    func repeatable(_ name: String) throws {
        let scratch = try ScratchFolder()
        let catalogue = FormatCatalogue(
            corpus: try Corpus(folders: [models]), scratch: scratch.path, program: binaries.appendingPathComponent("gfn-dist").path)
        let format = try #require(try catalogue.format(name))
        func mutant(_ seed: UInt64, _ number: Int) -> [String: [UInt8]] {
            CaseRunner(format, seed: seed, folder: scratch.path, meter: .none).mutant(number).files
        }
        var distinct: [[String: [UInt8]]] = []
        for number in 0..<30 {
            let files = mutant(3, number)
            #expect(files == mutant(3, number))
            if !distinct.contains(files) { distinct.append(files) }
        }
        #expect(distinct.count > 20)
        #expect((0..<10).contains { mutant(3, $0) != mutant(4, $0) })
    }

    @Test("GGUF: the numbers of its structure are found, up to the weights")
    func ggufFields() throws {
        let file = try #require(try Corpus(folders: [models]).gguf.first?.bytes)
        let fields = GGUFFields(file)
        let names = Set(fields.fields.map(\.name))
        #expect(names.isSuperset(of: ["version", "tensor count", "length of key", "element count", "extent", "tensor type", "tensor offset"]))
        #expect(fields.position > 1000 && fields.position < file.count)
    }
}
