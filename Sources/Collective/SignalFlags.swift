internal import CSignals

/// What the outside asked of this process by signals: SIGTERM, SIGINT and SIGUSR1 to stop, SIGUSR2 to save and go on.
///
/// A signal may reach one rank alone, so the answer becomes everybody's decision through `Communicator.any` at a place
/// where all ranks meet.
package enum SignalFlags {
    /// Takes the signals over from the system's default, which would end the process. Once, at the start.
    package static func install() {
        let status = gfn_signals_install()
        precondition(status == 0, "the system refused a signal handler: error \(status)")
    }

    /// The signal that asked to stop since the last call, if any.
    package static func takeStop() -> Int32? { present(gfn_signals_take_stop()) }

    /// The signal that asked to stop, which stays; for long phases that end early when somebody waits.
    package static var stopRequested: Int32? { present(gfn_signals_peek_stop()) }

    /// Whether a save was asked for since the last call.
    package static func takeSave() -> Bool { gfn_signals_take_save() != 0 }

    private static func present(_ signal: Int32) -> Int32? { signal == 0 ? nil : signal }
}
