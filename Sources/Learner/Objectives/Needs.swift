/// What a method asks of the loop: capabilities, so that the loop never asks a method for its name.
package struct Needs: Sendable, Equatable {
    /// Where the responses come from that a method learns from.
    package enum Samples: Sendable, Equatable {
        /// Of each step's policy, as old as the lag says.
        case policy
        /// Of the weights that the run starts with, all in its first `steps` steps, in which nothing is learned; each later step
        /// learns from `examplesPerStep` of what was collected.
        case start(steps: Int, examplesPerStep: Int)
        /// Of nobody: data has them.
        case data
    }

    /// Whether a loss looks at states before the last one: never, where there are any, or at nothing else.
    package enum InnerStates: Sendable, Equatable { case unused, used, required }

    /// What one term of a loss is about.
    package enum Lesson: Sendable, Equatable {
        /// The K responses to a prompt.
        case group
        /// A response to imitate.
        case demonstration
        /// Two responses to a prompt, the better one first.
        case pair
    }

    package var samples: Samples
    package var lesson: Lesson
    /// log R with its reference term: the loss is about a distribution, not about a reward alone.
    package var logRewards: Bool
    /// What states before the last one are worth.
    package var innerStates: InnerStates
    /// A learned log Z(x).
    package var root: Bool
    /// A learned V(s).
    package var values: Bool
    /// log π_ref of every action, whether rewards contain it or not.
    package var reference: Bool
    /// That samples are the policy's own, at temperature 1: older ones only as far as the lag says.
    package var ownSamples: Bool
    /// The smallest K that makes sense.
    package var smallestGroup: Int
    /// How often each sample of a step is learned from, and in how many optimiser steps a time.
    package var epochs: Int
    package var miniBatches: Int
    /// Whether what an action is credited with depends on the other groups of the step.
    package var batchCredits: Bool

    package init(
        samples: Samples = .policy, lesson: Lesson = .group, logRewards: Bool = false, innerStates: InnerStates = .unused,
        root: Bool = false, values: Bool = false, reference: Bool = false, ownSamples: Bool = false, smallestGroup: Int = 1,
        epochs: Int = 1, miniBatches: Int = 1, batchCredits: Bool = false
    ) {
        (self.samples, self.lesson, self.root, self.values) = (samples, lesson, root, values)
        (self.logRewards, self.innerStates) = (logRewards, innerStates)
        (self.reference, self.ownSamples, self.smallestGroup) = (reference, ownSamples, smallestGroup)
        (self.epochs, self.miniBatches, self.batchCredits) = (epochs, miniBatches, batchCredits)
    }

    /// Whether each learner needs all groups of a step, also those that another one computes: a loss looks across groups, groups are
    /// collected for later, or mini-batches deal them out anew.
    package var wholeBatch: Bool { lesson != .group || batchCredits || miniBatches > 1 }

    /// Groups that are computed together: a fixed number, so that the ranks do not change it. Each computation has a pass over all
    /// parameters, so it has to hold enough tokens to be worth that.
    package var groupsPerSlot: Int {
        switch lesson {
        case .group: 1
        case .demonstration: 32
        case .pair: 8
        }
    }

    /// Steps at the beginning that only collect samples.
    package var collectingSteps: Int { if case .start(let steps, _) = samples { steps } else { 0 } }
    /// Whether anything is sampled in a run at all.
    package var usesRollouts: Bool { samples != .data }
}
