internal import Collective

/// Work that ranks share problem by problem, whose lines are written in the order of the problems.
///
/// All ranks of a process share one.
protocol LineWork: Sendable {
    associatedtype Maker: LineMaker
    associatedtype Recognition: LineRecognition
    associatedtype Progress: LineProgress where Progress.Lines == Maker.Lines

    /// The command, as it begins what it says to people.
    static var command: String { get }
    /// What people should know of the model's files and of the data.
    var notes: [String] { get }
    var problemCount: Int { get }
    /// So many that their responses fill a decoding batch.
    var problemsAtOnce: Int { get }

    func maker() -> Maker
    func recognition() -> Recognition
    /// - Parameter first: the problem to begin with.
    func progress(startingAt first: Int, quiet: Bool) -> Progress
}

/// Makes the lines of problems on one rank. They depend on nothing but the problem: not on the rank, nor on what is made with them.
protocol LineMaker {
    associatedtype Lines: ProblemLines

    /// `poll` is called after every layer; what it throws ends the work.
    func lines(of problems: Range<Int>, poll: () throws -> Void) throws -> [Lines]
}

/// All lines of one problem, with what is counted of them; travels to rank 0.
protocol ProblemLines: Sendable, Equatable {
    /// The lines, each with its end.
    var text: [UInt8] { get }

    func write(to writer: inout ByteWriter)
    init(_ reader: inout ByteReader) throws(ByteReaderError)
}

/// Recognises the lines that a call has written, given one after the other.
protocol LineRecognition {
    /// The problem of the next line; throws how the line differs from any that the call would write there.
    mutating func problem(of line: [UInt8]) throws(ForeignLine) -> Int
}

/// A line of a file that is of another call.
struct ForeignLine: Error {
    let difference: String
}

/// What is said to people on the way and at the end.
protocol LineProgress {
    associatedtype Lines

    /// So many lines are there already.
    func resume(behind lines: Int)
    /// Counts a problem that was written.
    mutating func add(_ problem: Lines)
    /// - Parameter done: problems that are written, those of earlier calls included.
    mutating func show(done: Int)
    /// The totals of this call.
    func finish()
}
