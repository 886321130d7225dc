/// A reader with every fault that a fuzzing run is to find, one after the other: whether the run finds them is a test.
struct FaultsFormat: FuzzFormat {
    let name = "faults"

    private struct Refusal: Error {}
    private struct Stranger: Error {}

    /// Hanging takes the longest to be found, so it is rare.
    private static let numbers: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 6, 7, 4, 6]

    func mutant(using random: inout FuzzRandom) -> Mutant { Mutant(files: ["number": [random.pick(Self.numbers)]], changes: ["a number"]) }

    func read(_ mutant: Mutant, in folder: String) throws {
        let number = Int(mutant.files["number"]?.first ?? 0)
        switch number {
        case 0: return
        case 1: throw Refusal()
        case 2: throw Stranger()
        case 3: throw BrokenInvariant("it was accepted")
        case 4: preconditionFailure("a trap of this reader")
        case 5: while number == 5 { number.description.withCString { _ in } }
        case 6:
            let start = CaseRunner.now()
            while CaseRunner.now() - start < 0.6 { number.description.withCString { _ in } }
        default:
            // Never touched, so it is asked for and not taken: that counts too.
            let block = UnsafeMutableRawPointer.allocate(byteCount: 100 << 20, alignment: 64)
            block.storeBytes(of: 1, as: UInt8.self)
            block.deallocate()
        }
    }

    func isRefusal(_ error: any Error) -> Bool { error is Refusal }
}
