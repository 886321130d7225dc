/// A few of the lines, one of them or more damaged as JSON or as bytes.
func mutatedLines(_ lines: [String], using random: inout FuzzRandom) -> ([UInt8], [String]) {
    var chosen = (0..<random.length(atMost: 5)).map { _ in Array(random.pick(lines).utf8) }
    var changes: [String] = []
    for _ in 0..<(random.chance(0.7) ? 1 : random.length(atMost: 3)) {
        let index = random.below(chosen.count)
        changes += ByteMutator(donors: lines.map { Array($0.utf8) }).mutateJSON(&chosen[index], using: &random).map { "line \(index + 1) \($0)" }
        // A document that is written over several lines is not one of JSON Lines; mostly it is made one.
        if random.chance(0.9) { chosen[index] = chosen[index].map { $0 == 0x0A ? 0x20 : $0 } }
    }
    let end: [UInt8] = random.chance(0.1) ? [0x0D, 0x0A] : [0x0A]
    var bytes: [UInt8] = random.chance(0.05) ? [0xEF, 0xBB, 0xBF] : []
    for line in chosen { bytes += line + end }
    return (bytes, changes)
}
