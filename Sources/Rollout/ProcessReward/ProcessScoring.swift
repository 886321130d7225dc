internal import Model
package import Problems
internal import Tensor

/// Puts a reward model's scores in the place of a task's own: p of each step, and `process` of each state.
///
///     s(x, s_i) = u over k ≤ i of log max(p_k, ε)
///
/// with the aggregate u (`reward.aggregate`) and the floor ε (`reward.process_floor`).
package struct ProcessScoring {
    package let model: ProcessRewardModel
    package let aggregate: ProcessAggregate
    package let floor: Double

    package init(model: ProcessRewardModel, aggregate: ProcessAggregate, floor: Double) {
        (self.model, self.aggregate, self.floor) = (model, aggregate, floor)
    }

    /// A response with the states that its task names.
    package struct Response: Sendable, Equatable {
        package var tokens: [Int32]
        package var states: [TerminableState]
        /// p of the step that ends at each state.
        package var stepRewards: [Float] = []

        package init(tokens: [Int32], states: [TerminableState]) { (self.tokens, self.states) = (tokens, states) }
    }

    /// Scores the responses to one prompt in one forward pass, which computes the prompt once.
    package func score(_ responses: [Response], to prompt: [Int32], of task: any Task) -> [Response] {
        let readings = responses.map { StepReading(of: $0.tokens, states: $0.states, task: task) }
        let scores = model.scores(of: [.init(prompt: prompt, readings: readings)])[0]
        return zip(responses, scores).map { response, scores in
            var response = response
            response.stepRewards = scores
            for (index, process) in processes(of: scores).enumerated() { response.states[index].process = Float(process) }
            return response
        }
    }

    /// exp s of the whole response, from 0 to 1: the smallest p, their product, their geometric mean or the last; nil without steps.
    package func whole(of stepRewards: [Float]) -> Double? { processes(of: stepRewards).last.map { Elementary.exp($0) } }

    /// s after each step, from the scores of the steps.
    package func processes(of stepRewards: [Float]) -> [Double] {
        aggregate.running(over: stepRewards.map { Elementary.log(max(Double($0), floor)) })
    }
}
