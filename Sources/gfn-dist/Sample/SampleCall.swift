/// One call of `sample`, from settings to a whole file.
struct SampleCall {
    let configuration: RunConfiguration
    /// In the order of the lines.
    let temperatures: [Double]
    /// Nil: standard output.
    let output: String?
    let quiet: Bool

    /// Samples with all ranks. Collective over processes; gives what was sampled with.
    ///
    /// - Parameter resuming: goes on behind the lines that are there.
    /// - Returns: nil: with `resuming`, the file is complete already.
    func perform(resuming: Bool, _ launch: Launch) throws -> SampleWork? {
        launch.watch(by: configuration.layers)
        return try LineCall(output: output, quiet: quiet).perform(resuming: resuming, launch) {
            try SampleWork(configuration, temperatures: temperatures, on: launch.node)
        }
    }
}
