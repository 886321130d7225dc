internal import Problems

/// One call that labels steps by rollouts, from settings to a whole file.
struct LabelCall {
    let configuration: RunConfiguration
    let temperature: Double
    /// Of each step.
    let completions: Int
    /// Of the embedded task's problems, where these are labelled; nil: what the settings name.
    let split: PathSum.Split?
    /// Nil: solutions are sampled.
    let samples: SampleSelection?
    /// Nil: standard output.
    let output: String?
    let quiet: Bool

    /// Labels with all ranks. Collective over processes.
    ///
    /// - Parameter resuming: goes on behind the lines that are there.
    /// - Returns: whether there was something to do: with `resuming`, the file may be complete already.
    func perform(resuming: Bool, _ launch: Launch) throws -> Bool {
        launch.watch(by: configuration.layers)
        let work = try LineCall(output: output, quiet: quiet).perform(resuming: resuming, launch) {
            try LabelWork(
                configuration, temperature: temperature, completions: completions, split: split, samples: samples,
                on: launch.node)
        }
        return work != nil
    }
}
