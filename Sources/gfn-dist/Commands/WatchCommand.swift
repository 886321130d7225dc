internal import ArgumentParser
internal import Collective
internal import Foundation

/// `gfn-dist watch`: a run in a terminal, from its files alone.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show a run in the terminal, from its files, until it ends.",
        usage: """
            gfn-dist watch runs/pathsum
            gfn-dist watch runs/pathsum --once
            """)

    @Argument(help: ArgumentHelp("Folder of a run: going on, ended or stopped.", valueName: "run"))
    var folder: String
    @Flag(name: .long, help: "Print how it stands and end; so it is where standard output is no terminal.")
    var once = false
    @Option(name: .long, help: ArgumentHelp("Between two looks.", valueName: "seconds"))
    var interval = 1.0
    @Flag(name: .long, help: "No signs but ASCII; so it is where the locale is not UTF-8.")
    var ascii = false

    /// Between two looks at signals and at the size of the terminal, in microseconds.
    private static let tick: UInt32 = 50_000

    func validate() throws {
        if folder.isEmpty { throw ValidationError("the run's name is empty, expected its folder") }
        if !(0.1...3600).contains(interval) { throw ValidationError("--interval is \(interval), expected 0.1 to 3600 seconds") }
    }

    func run() {
        Launch.perform(ranks: 1) { _ in
            let environment = ProcessInfo.processInfo.environment
            var (watched, screen) = (try WatchedRun(folder), Screen(environment: environment, once: once))
            let style = TerminalStyle.found(environment, isTerminal: screen.isTerminal, ascii: ascii)
            func draw() throws { try screen.draw { WatchView(run: watched, style: style).lines(columns: $0) } }
            guard screen.isRedrawn else { return try draw() }
            SignalFlags.install()
            do {
                try draw()
                while !watched.condition.isOver, try wait(screen, draw) {
                    try watched.refresh()
                    try draw()
                }
            } catch {
                try screen.leave()
                throw error
            }
            try screen.leave()
        }
    }

    /// Waits for the next look, and draws where the terminal has another size. False: somebody asked for the end.
    private func wait(_ screen: @autoclosure () -> Screen, _ draw: () throws -> Void) throws -> Bool {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(interval) {
            usleep(Self.tick)
            if SignalFlags.stopRequested != nil { return false }
            if screen().hasChangedSize { try draw() }
        }
        return true
    }
}
