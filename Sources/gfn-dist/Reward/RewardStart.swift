internal import Collective
internal import Foundation
internal import Learner
internal import Model
internal import Tensor

/// From the command line to a reward model's story: settings, folder, checkpoint, data, and then `RewardRun`.
enum RewardStart {
    static func perform(_ request: RewardRequest, resuming care: ResumedRun.Care?, _ launch: Launch) throws {
        SignalFlags.install()
        let resumed = try care.map { try ResumedRun.find(request, $0, launch) }
        let (work, checkpoint, changes) = try launch.together {
            let (configuration, changes) = try resumed?.configuration(request) ?? (RunConfiguration(try request.layers(), for: .reward), [])
            launch.watch(by: configuration.layers)
            if configuration.text("kernels") != "auto" { setenv(KernelFamily.variable, configuration.text("kernels"), 1) }
            let work = try RewardWork(configuration, on: launch.node)
            let checkpoint = try resumed?.checkpoint.map { path in
                let checkpoint = try Checkpoint.read(path, layout: work.policy().layout)
                try checkpoint.check(for: work.base.configuration, path: path)
                try resumed?.require(checkpoint, at: path, toServe: work.configuration)
                return checkpoint
            }
            return (work, checkpoint, changes)
        }
        // Nothing is written before all that can be checked has been.
        let folder: RunFolder
        if let resumed {
            guard try RunStart.prepare(resumed, work.configuration, changes, launch) else { return }
            folder = resumed.folder
        } else {
            folder = try RunStart.newFolder(request, work.configuration, launch)
        }
        let quiet = request.settings.quiet
        try launch.everyRank { communicator in
            let run = try RewardRun(work, communicator, folder: folder, checkpoint: checkpoint, quiet: quiet)
            if communicator.rank == 0 {
                run.announce(resumed?.checkpoint)
                for change in changes { run.say(change.sentence) }
            }
            try run.run()
        }
    }
}
