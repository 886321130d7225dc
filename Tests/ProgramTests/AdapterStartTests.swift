import Foundation
import Model
import Testing

extension ProgramTests {
    @Suite("trains from an adapter")
    struct AdapterStart {
        private static let base = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("gfn-dist_gfn-dist.resources/Resources/pathsum-base").path

        /// Adapters that the settings `lora.*` cannot describe.
        private static func configuration(_ name: String, layerCount: Int) -> AdapterConfiguration {
            typealias Place = AdapterPlace
            switch name {
            case "rsLoRA": return AdapterConfiguration(rank: 4, alpha: 6, targets: [.query, .value], rankStabilised: true)
            case "one layer":
                return AdapterConfiguration(
                    [Place(layer: 1, kind: .query): .init(rank: 3, alpha: 5), Place(layer: 1, kind: .down): .init(rank: 3, alpha: 5)],
                    layerCount: layerCount, rankStabilised: false)
            default:
                return AdapterConfiguration(
                    [
                        Place(layer: 0, kind: .query): .init(rank: 2, alpha: 4), Place(layer: 0, kind: .down): .init(rank: 5, alpha: 4),
                        Place(layer: 2, kind: .query): .init(rank: 2, alpha: 7), Place(layer: 3, kind: .up): .init(rank: 2, alpha: 4),
                    ], layerCount: layerCount, rankStabilised: true)
            }
        }

        /// Writes an adapter for the embedded base, with small matrices, and returns its settings.
        private static func writeAdapter(_ name: String, to path: String) throws -> AdapterConfiguration {
            let model = try ModelFiles.open(base).configuration
            let configuration = configuration(name, layerCount: model.layerCount)
            var matrices: [AdapterPlace: AdapterMatrices] = [:]
            for (place, strength) in configuration.places(layerCount: model.layerCount) {
                let (outputs, inputs) = model.extents(of: place.kind)
                func values(_ count: Int) -> [Float] { (0..<count).map { 0.02 * Float(($0 * 7 + place.layer) % 11 - 5) } }
                matrices[place] = AdapterMatrices(a: values(strength.rank * inputs), b: values(outputs * strength.rank))
            }
            try AdapterFolder.write(path, configuration: configuration, baseModel: "pathsum-base", model: model, matrices: matrices)
            return configuration
        }

        @Test(
            "of any layout, with the same bytes on any layout of ranks and after a resume",
            arguments: cases(["places that differ", "rsLoRA", "one layer"], inDebugEach: 3))
        func trains(name: String) throws {
            let folder = try TemporaryFolder()
            let adapter = "\(folder.path)/start"
            let configuration = try Self.writeAdapter(name, to: adapter)
            let settings = Settings.standard.with(["adapter": adapter, "train.steps": "4", "train.schedule": "constant"])
            let run = try train(settings, on: .single(1))
            let model = try ModelFiles.open(Self.base).configuration
            let start = try AdapterFolder.read(adapter, for: model)
            for path in ["adapter", "checkpoints/step-4"] {
                let written = try AdapterFolder.read("\(run.files.path)/\(path)", for: model)
                #expect(written.configuration == configuration)
                #expect(written.matrices.keys == start.matrices.keys && written.matrices != start.matrices, "\(path) is where it began")
            }
            #expect(try train(settings, on: .mpirun(3)).adapter == run.adapter)
            let stopped = try train(settings.with(["train.steps": "2"]), on: .single(2))
            let resumed = try train(
                settings, ["--set", "train.steps=4"], on: .single(1), in: stopped.folder, resuming: true)
            #expect(resumed.adapter == run.adapter)
        }

        @Test("and refuses settings that contradict it in one sentence")
        func contradiction() throws {
            let folder = try TemporaryFolder()
            _ = try Self.writeAdapter("rsLoRA", to: "\(folder.path)/start")
            let arguments = ["train", "--set", "adapter=\(folder.path)/start", "--output", "\(folder.path)/run"]
            let outcome = try runProgram(arguments + ["--set", "lora.rank=16", "--set", "lora.targets=q_proj"], under: [])
            #expect(outcome.status == 78 && outcome.ownErrors.count == 1, "\(outcome.errors)")
            for part in ["rank 4, alpha 6.0 and targets q_proj,v_proj", "lora.rank is 16 (--set) and lora.targets is q_proj (--set)"] {
                #expect(outcome.errors.contains(part), "\(outcome.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/run"))
            // What says the same is no contradiction.
            let same = try runProgram(
                arguments + ["--set", "lora.rank=4", "--set", "train.steps=0", "--set", "evaluate.problems=1", "--quiet"], under: [])
            #expect(same.status == 0, "\(same.errors)")
        }
    }
}
