import Foundation
import TestSupport

/// A family of loss fixtures: cases with parameters, and float64 or int64 tensors named `CASE.input`.
/// (The model's reader has no float64, which no model uses.)
struct LossFixtures {
    struct Case {
        let id: String
        let kind: String
        let parameters: [String: Any]
        let fields: [String: Any]
        func number(_ name: String) -> Double? { (parameters[name] as? NSNumber)?.doubleValue }
    }

    let cases: [Case]
    let schedules: [[String: Any]]
    private let tensors: [String: (shape: [Int], values: [Double])]

    /// Reads the project's own copy, and in addition the external ones when `GFN_FIXTURES` is set.
    static func all(_ family: String) throws -> [LossFixtures] {
        try ([fixtureFolder()] + [externalFixtures("losses")].compactMap { $0 }).map { try LossFixtures(family, in: $0) }
    }

    init(_ family: String, in folder: URL) throws {
        let description = try JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.appendingPathComponent("\(family).json")))
        let root = description as? [String: Any] ?? [:]
        cases = (root["cases"] as? [[String: Any]] ?? []).map { fields in
            let parameters = fields["params"] as? [String: Any] ?? [:]
            return Case(
                id: fields["id"] as? String ?? "", kind: parameters["kind"] as? String ?? "", parameters: parameters,
                fields: fields)
        }
        schedules = root["schedules"] as? [[String: Any]] ?? []

        let data = try Data(contentsOf: folder.appendingPathComponent("\(family).safetensors"))
        let headerSize = Int(data.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) })
        let header = try JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + headerSize)) as? [String: Any] ?? [:]
        var tensors: [String: (shape: [Int], values: [Double])] = [:]
        for (name, entry) in header {
            guard let entry = entry as? [String: Any], let type = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int]
            else { continue }
            let bytes = [UInt8](data.subdata(in: 8 + headerSize + offsets[0]..<8 + headerSize + offsets[1]))
            tensors[name] = (
                shape,
                bytes.withUnsafeBytes { bytes in
                    (0..<bytes.count / 8).map { index in
                        type == "I64"
                            ? Double(bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
                            : bytes.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
                    }
                }
            )
        }
        self.tensors = tensors
    }

    func vector(_ id: String, _ name: String) -> [Double] { tensors["\(id).\(name)"]?.values ?? [] }

    func rows(_ id: String, _ name: String) -> [[Double]] {
        guard let tensor = tensors["\(id).\(name)"], tensor.shape.count == 2 else { return [] }
        let width = tensor.shape[1]
        return (0..<tensor.shape[0]).map { Array(tensor.values[$0 * width..<($0 + 1) * width]) }
    }
}
