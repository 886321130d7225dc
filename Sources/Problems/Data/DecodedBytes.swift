/// Decompresses a file as it is read, in bounded memory.
struct DecodedBytes {
    private let path: String
    private let coding: Coding
    private let decoder: any StreamDecoder
    private var source: DataBytes
    /// What was read; up to `position` it is decoded.
    private var input: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    private var readCount = 0, decodedCount = 0
    /// Bytes that a file may become, whatever its own size is.
    private let freeCount: Int

    private static let inputSize = 1 << 16, outputSize = 1 << 18
    /// Beyond `freeCount`: how many times as large as it is a file may become. Text shrinks to a third or a tenth.
    private static let largestRatio = 200

    init(_ path: String, _ coding: Coding, _ source: DataBytes, freeCount: Int = 256 << 20) {
        (self.path, self.coding, self.source, self.freeCount) = (path, coding, source, freeCount)
        decoder = coding.decoder()
    }

    /// The next bytes; none at the end.
    mutating func next() throws(DataFileError) -> [UInt8] {
        while true {
            if position == input.count, !isAtEnd {
                (input, position) = (try source.next(Self.inputSize), 0)
                readCount += input.count
                isAtEnd = input.isEmpty
            }
            if isAtEnd, decoder.isWhole { return [] }
            let (taken, output) = try decode()
            position += taken
            decodedCount += output.count
            guard decodedCount <= freeCount || decodedCount / Self.largestRatio <= readCount else {
                throw damaged(
                    "grow to more than \(Self.largestRatio) times their size, as no text does; decompress them yourself if they are right")
            }
            if !output.isEmpty { return output }
            if isAtEnd { throw damaged("end too early; copy or download the file again") }
            guard taken > 0 else { throw damaged("stop making sense; copy or download the file again") }
        }
    }

    private func decode() throws(DataFileError) -> (taken: Int, output: [UInt8]) {
        var step: Result<DecodedCount, DecodingFault> = .success((0, 0))
        let output = [UInt8](unsafeUninitializedCapacity: Self.outputSize) { output, filled in
            step = input[position...].withUnsafeBytes { input in
                let room = UnsafeMutableRawBufferPointer(output)
                do throws(DecodingFault) { return .success(try decoder.decode(input, into: room)) } catch { return .failure(error) }
            }
            if case .success(let step) = step { filled = step.given }
        }
        switch step {
        case .success(let step): return (step.taken, output)
        case .failure(let fault): throw damaged("are not right (\(fault.reason)); copy or download the file again")
        }
    }

    private func damaged(_ reason: String) -> DataFileError { .damaged(path: path, coding: coding.rawValue, reason: reason) }
}
