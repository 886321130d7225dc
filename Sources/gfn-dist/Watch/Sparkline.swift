/// A series of numbers as one line of text.
enum Sparkline {
    private static let blocks: [Character] = Array("▁▂▃▄▅▆▇█"), letters: [Character] = Array("_.-=*#%@")

    /// At most `width` signs, the last for the newest values; where there are more values, each sign is the mean of some.
    static func text(_ values: [Double], width: Int, unicode: Bool) -> String {
        let values = binned(values.filter(\.isFinite), count: width)
        guard let least = values.min(), let most = values.max() else { return "" }
        let signs = unicode ? blocks : letters
        return String(values.map { value in
            // Nothing differs: in the middle.
            guard most > least else { return signs[signs.count / 2] }
            return signs[min(signs.count - 1, Int((value - least) / (most - least) * Double(signs.count)))]
        })
    }

    /// How far something is, as a bar of `width` signs.
    static func bar(_ share: Double, width: Int, unicode: Bool) -> String {
        let full = Int((min(max(share, 0), 1) * Double(max(0, width))).rounded(.down))
        return String(repeating: unicode ? "█" : "#", count: full) + String(repeating: unicode ? "░" : ".", count: max(0, width) - full)
    }

    private static func binned(_ values: [Double], count: Int) -> [Double] {
        guard count > 0 else { return [] }
        guard values.count > count else { return values }
        return (0..<count).map { bin in
            let part = values[bin * values.count / count..<(bin + 1) * values.count / count]
            return part.reduce(0, +) / Double(part.count)
        }
    }
}
