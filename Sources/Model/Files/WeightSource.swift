package import Tensor

/// Where a model's weights come from: tensors by their Hugging Face name, in Hugging Face's order of rows.
///
/// Values are read as they are stored and widened (or dequantised) to `Float`; a value that is not finite is an error,
/// because a run would otherwise go wrong silently.
package protocol WeightSource: Sendable {
    /// Every tensor, for example "model.layers.0.self_attn.q_proj.weight".
    var names: [String] { get }
    /// Extents, outermost first; nil when there is no such tensor.
    func shape(of name: String) -> [Int]?
    /// How the tensor's numbers are stored, as "BF16" or "Q4_1"; nil where they are in no file, or there is no such tensor.
    func storedType(of name: String) -> String?
    /// The files that it reads; none where the weights come from elsewhere.
    var paths: [String] { get }
    /// Writes `rows` of the tensor to `destination`, which holds `rows.count · (product of the other extents)` numbers.
    /// A vector counts as one row.
    func readRows(of name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) throws(ModelFileError)
    /// How the numbers of a matrix are stored as integers with scales; nil where they are not.
    func codeFormat(of name: String) -> CodeFormat?
    /// Writes `rows` of a matrix that is stored so. `readRows` gives what they stand for.
    func readCodes(of name: String, _ rows: Range<Int>, into destination: CodeRows) throws(ModelFileError)
}

extension WeightSource {
    package var paths: [String] { [] }
    package func storedType(of name: String) -> String? { nil }
    package func codeFormat(of name: String) -> CodeFormat? { nil }
    package func readCodes(of name: String, _ rows: Range<Int>, into destination: CodeRows) throws(ModelFileError) {
        preconditionFailure("tensor \(name) is not stored in codes")
    }

    /// All of a tensor. Throws when it is missing or holds a value that is not finite.
    package func read(_ name: String) throws(ModelFileError) -> [Float] {
        guard let shape = shape(of: name) else {
            throw .missing(path: "weights", field: "tensor \(name)", advice: "the file does not fit the configuration")
        }
        let count = shape.reduce(1, *)
        var values = [Float](repeating: 0, count: count)
        var failure: ModelFileError?
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, count > 0 else { return }
            do throws(ModelFileError) {
                try readRows(of: name, 0..<(shape.count > 1 ? shape[0] : 1), into: base)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }
}
