internal import Foundation

/// A Slurm script for a planned run: it goes on where it was when the job is preempted or reaches its time limit.
struct BatchScript {
    let plan: Plan
    /// The program, and the file of the run's settings, as paths that the nodes know.
    let program, settings: String
    let output: String

    /// Half as long again as planned, in minutes, and ten more to start and save in.
    var minutes: Int { Int((1.5 * plan.seconds / 60).rounded(.up)) + 10 }

    var text: String {
        let mebibytes = (plan.memoryBytes * 11 / 10) >> 20
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
        return """
            #!/bin/bash
            # \(plan.layoutText), planned: \(plan.stepText(plan.secondsPerStep)) s a step, \(ProgressLine.clock(plan.seconds)) in all.
            #SBATCH --job-name=gfn-dist
            #SBATCH --nodes=\(plan.nodes.count)
            #SBATCH --ntasks-per-node=\(plan.ranksPerNode)
            #SBATCH --cpus-per-task=\(plan.threads)
            #SBATCH --mem=\(mebibytes)M
            #SBATCH --time=\(minutes)
            #SBATCH --signal=B:USR1@120
            #SBATCH --requeue
            #SBATCH --open-mode=append
            #SBATCH --output=%x-%j.log

            run=\(quoted(output))
            if [ -e "$run/config.yaml" ]; then how=(--resume); else how=(--config \(quoted(settings))); fi
            srun --mpi=pmix --kill-on-bad-exit=1 --cpu-bind=cores --cpus-per-task=\(plan.threads) \\
                \(quoted(program)) train "${how[@]}" --output "$run" --threads \(plan.threads) &
            job=$!

            # Two minutes before the limit, or when it is preempted, a checkpoint is saved and the job is queued again.
            again="" interrupted=yes
            trap 'again=yes interrupted=yes; kill -USR1 "$job"' USR1
            trap 'interrupted=yes; kill -TERM "$job"' TERM
            while [ -n "$interrupted" ]; do
                interrupted=""
                wait "$job"
                status=$?
            done
            if [ -n "$again" ] && [ "$status" -eq 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
            exit "$status"

            """
    }
}
