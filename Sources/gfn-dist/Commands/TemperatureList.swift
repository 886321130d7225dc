internal import ArgumentParser

/// Temperatures of samples as the command line gives them: one, or several with commas between them.
struct TemperatureList: ExpressibleByArgument {
    let values: [Double]

    init?(argument: String) {
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard values.allSatisfy({ $0 != nil }) else { return nil }
        self.values = values.compactMap { $0 }
    }

    /// What is wrong with these temperatures; nil when nothing is. 0, the likeliest token, is one as well.
    static func problem(with temperatures: [Double]) -> String? {
        for (index, temperature) in temperatures.enumerated() {
            if temperatures[..<index].contains(temperature) { return "--temperature names \(temperature) twice" }
            if temperature != 0, let problem = Setting.named("evaluate.temperature")?.kind.problem(with: "\(temperature)") {
                return "--temperature \(problem), or 0 for the likeliest tokens"
            }
        }
        return nil
    }
}
