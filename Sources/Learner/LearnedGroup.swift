package import Rollout

/// A group as one optimiser step learns from it, with what the objective made of it: for whoever looks on (`PolicyLearner.observer`).
package struct LearnedGroup: Sendable {
    /// Of the policy before the training step.
    package let version: Int
    /// Which of the training step's optimiser steps it is, from 0.
    package let pass: Int
    /// Its place among the groups of the training step, in which sampled ones come before replayed ones.
    package let index: Int
    package let group: TrajectoryGroup
    /// Under the weights of this optimiser step.
    package let responses: [ScoredResponse]
    /// log Z(x) in nats, where the objective learns it.
    package let root: Double?
    /// Of the group; the loss of the optimiser step is the mean over its groups.
    package let value: ObjectiveValue
}
