import Collective
import Model
import Problems
import Rollout
import Tensor
import TestSupport
import Testing

@testable import Learner

@Suite("Learning a reward model") struct RewardLearnerTests {
    private static let schedule = LearningRateSchedule(shape: .constant, peak: 3e-3, warmUpSteps: 0, totalSteps: 100)

    /// Random responses of two to four steps, some of them without a label; a step is good when the token before its end is below 5.
    static func examples(_ count: Int, seed: UInt64 = 11) -> [LabelledResponse] {
        (0..<count).map { index in
            var random = RandomStream(seed: seed, purpose: .task, slot: index)
            func token() -> Int32 { Int32(random.next() % 10) }
            var (response, places, labels): ([Int32], [Int], [Double?]) = ([], [], [])
            for _ in 0..<2 + Int(random.next() % 3) {
                let deciding = token()
                response += [token(), deciding, 9]
                places.append(response.count)
                labels.append(random.next() % 5 == 0 ? nil : deciding < 5 ? 1 : 0)
            }
            return LabelledResponse(
                prompt: [token(), token()], reading: StepReading(tokens: response, places: places), labels: labels)
        }
    }

    static func learner(
        _ learners: any Communicator, loss: StepLoss = StepLoss(goodWeight: 0.5, badWeight: 2, smoothing: 0.1), rate: Double? = nil
    ) throws -> RewardLearner {
        let policy = try TinyTask.policy()
        let parameters = try policy.initialParameters(seed: 3)
        var schedule = schedule
        if let rate { schedule = LearningRateSchedule(shape: .constant, peak: rate, warmUpSteps: 0, totalSteps: 100) }
        return RewardLearner(
            policy: policy, settings: RewardLearner.Settings(loss: loss, schedule: schedule), learners: learners,
            state: PolicyLearner.State(
                version: 0, parameters: parameters, optimizer: AdamW(AdamW.Settings(), count: parameters.count), root: nil))
    }

    private static func untimed(_ result: RewardLearner.Result) throws -> RewardLearner.Metrics {
        guard case .stepped(var metrics) = result else {
            Issue.record("\(result)")
            throw CollectiveError(.allGather, rank: 0, peer: nil, .mismatch("no step"))
        }
        (metrics.secondsLearn, metrics.secondsReduce) = (0, 0)
        return metrics
    }

    @Test("the first loss is log 2 for every step, whatever its label")
    func start() throws {
        let results = try runInProcess(ranks: 1) { communicator in
            try Self.untimed(try Self.learner(communicator, loss: StepLoss()).update(on: Self.examples(6)))
        }
        expectClose(try #require(results[0].loss), 0.6931471805599453, relative: 1e-12)
        #expect(results[0].labels == Self.examples(6).reduce(0) { $0 + $1.labels.count { $0 != nil } })
    }

    @Test("one, two and three learners end with the same bits, in as many slots", arguments: [2, 3])
    func sameBits(ranks: Int) throws {
        func run(_ ranks: Int) throws -> [(PolicyLearner.State, [RewardLearner.Metrics], RewardHead)] {
            try runInProcess(ranks: ranks) { communicator in
                let learner = try Self.learner(communicator)
                // More than 512 tokens, so that there are several slots.
                let metrics = try (0..<3).map { try Self.untimed(try learner.update(on: Self.examples(160, seed: UInt64($0)))) }
                return (learner.state, metrics, learner.head)
            }
        }
        let alone = try run(1)[0]
        #expect(RewardLearner.slots(of: Self.examples(160)).count > 1)
        for (state, metrics, head) in try run(ranks) {
            #expect(state == alone.0 && metrics == alone.1 && head == alone.2)
        }
    }

    @Test("the gradient is the central difference of the loss, in the adapter and in the head")
    func gradient() throws {
        let loss = StepLoss(goodWeight: 0.5, badWeight: 2, smoothing: 0.1)
        let batch = Self.examples(4)
        _ = try runInProcess(ranks: 1) { communicator in
            // Weights that are not zero: two steps from the start.
            let learner = try Self.learner(communicator, loss: loss, rate: 2e-2)
            for seed in 20..<22 { _ = try learner.update(on: Self.examples(8, seed: UInt64(seed))) }
            let policy = learner.policy
            let head = try #require(learner.state.values).head
            let width = head.width
            let start = learner.publishedBits.map { Float(bitPattern: UInt32($0) << 16) } + head.parameters

            /// The mean loss, computed the plain way.
            func value(_ numbers: [Float]) -> Double {
                policy.adopt(values: Array(numbers.dropLast(width + 1)), version: learner.state.version)
                let head = LinearHead(parameters: Array(numbers.suffix(width + 1)), optimizer: AdamW(AdamW.Settings(), count: width + 1))
                var (sum, total) = (0.0, 0.0)
                for example in batch {
                    let forward = policy.forward([TokenGroup(prompt: example.prompt, responses: [example.reading.tokens])], recording: false)
                    for (place, label) in zip(example.reading.places, example.labels) {
                        guard let label else { continue }
                        let logit = forward.withHidden(ofState: place, response: 0, group: 0) { head.value(of: $0) }
                        sum += loss.term(logit: logit, label: label).value
                        total += loss.weight(of: label)
                    }
                }
                return sum / total
            }
            // Adam's first moment after one step from nothing is (1 − β₁) times the gradient, unclipped where its norm is below 1.
            let fresh = RewardLearner(
                policy: policy, settings: RewardLearner.Settings(loss: loss, schedule: Self.schedule, maximumGradientNorm: nil),
                learners: communicator,
                state: PolicyLearner.State(
                    version: learner.state.version, parameters: Array(start.dropLast(width + 1)),
                    optimizer: AdamW(AdamW.Settings(), count: policy.layout.count), root: nil,
                    values: ValueHead(LinearHead(parameters: head.parameters, optimizer: AdamW(AdamW.Settings(), count: width + 1)))))
            _ = try fresh.update(on: batch)
            let moments = fresh.state.optimizer.firstMoments + (fresh.state.values?.head.optimizer.firstMoments ?? [])
            let gradient = moments.map { Double($0) / 0.1 }

            // Along the gradient of each part, the derivative is that part's squared norm.
            for part in [0..<policy.layout.count, policy.layout.count..<start.count] {
                let square = part.reduce(0.0) { $0 + gradient[$1] * gradient[$1] }
                #expect(square > 1e-8)
                let step = 1e-2 / square.squareRoot()
                func moved(_ direction: Double) -> [Float] {
                    var numbers = start
                    for index in part { numbers[index] = Float(Double(numbers[index]) + direction * step * gradient[index]) }
                    return numbers
                }
                expectClose((value(moved(1)) - value(moved(-1))) / (2 * step), square, relative: 2e-3)
            }
        }
    }

    @Test("it learns what makes a step good")
    func learns() throws {
        let results = try runInProcess(ranks: 1) { communicator in
            let learner = try Self.learner(communicator, loss: StepLoss(), rate: 2e-2)
            for step in 0..<100 { _ = try learner.update(on: Self.examples(32, seed: UInt64(100 + step))) }
            let model = ProcessRewardModel(policy: learner.policy, head: learner.head)
            let (seen, unseen) = (try Self.untimed(try learner.update(on: Self.examples(32, seed: 1))), Self.examples(50, seed: 2))
            let scores = model.scores(of: unseen.map { .init(prompt: $0.prompt, readings: [$0.reading]) })
            let right = zip(scores, unseen).flatMap { scores, example in
                zip(scores[0], example.labels).compactMap { score, label in label.map { (score >= 0.5) == ($0 == 1) } }
            }
            return (seen.accuracy ?? 0, Double(right.count { $0 }) / Double(right.count))
        }
        let (seen, unseen) = results[0]
        #expect(seen > 0.9 && unseen > 0.9)
    }

    @Test("a number that is none is reported, and nothing is changed")
    func fault() throws {
        _ = try runInProcess(ranks: 2) { communicator in
            let learner = try Self.learner(communicator)
            let state = learner.state
            var batch = Self.examples(3)
            batch[1].labels = batch[1].labels.map { _ in .nan }
            #expect(try learner.update(on: batch) == .fault(.loss(slot: 0, cause: "a label of a step is no number")))
            #expect(learner.state == state)
        }
    }

    @Test("slots hold neighbours of up to 512 tokens, and a longer example alone")
    func slots() {
        func example(_ length: Int) -> LabelledResponse {
            LabelledResponse(
                prompt: [1], reading: StepReading(tokens: Array(repeating: 2, count: length - 1), places: [length - 1]), labels: [1])
        }
        #expect(RewardLearner.slots(of: [400, 112, 1, 3000, 5, 507, 1].map(example)) == [0..<2, 2..<3, 3..<4, 4..<6, 6..<7])
        #expect(RewardLearner.slots(of: []) == [])
    }
}
