/// What one call of `sample` writes: the problems in their order, each at every temperature, and of these every sample.
struct SamplePlan: Sendable, Equatable {
    let problemCount: Int
    /// In the order of the lines; 0 takes the likeliest token.
    let temperatures: [Double]
    let samplesPerProblem: Int

    /// Where a line belongs.
    struct Place: Sendable, Equatable {
        let problem: Int
        let temperature: Double
        let sample: Int
    }

    /// Every sample at temperature 0 would be the same.
    func samples(at temperature: Double) -> Int { temperature == 0 ? 1 : samplesPerProblem }

    var linesPerProblem: Int { temperatures.reduce(0) { $0 + samples(at: $1) } }
    var lineCount: Int { problemCount * linesPerProblem }

    /// The place of a line, counted from 0.
    func place(ofLine line: Int) -> Place {
        var rest = line % linesPerProblem
        for temperature in temperatures {
            let count = samples(at: temperature)
            if rest < count { return Place(problem: line / linesPerProblem, temperature: temperature, sample: rest) }
            rest -= count
        }
        preconditionFailure("line \(line) of \(temperatures) has no place")
    }

    /// Responses that are decoded together.
    static let decodingRows = 64

    /// Problems that fill a decoding batch at the temperature with the most samples.
    var problemsAtOnce: Int {
        let widest = temperatures.map { samples(at: $0) }.max() ?? 1
        return max(1, (Self.decodingRows + widest - 1) / widest)
    }
}
