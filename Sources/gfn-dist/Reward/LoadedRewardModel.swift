internal import Model
internal import Rollout
internal import Tensor

/// A reward model to score with, shared by the ranks of a process.
struct LoadedRewardModel: Sendable {
    private let base: BaseModel
    private let contents: RewardModelFolder.Contents
    private let threads: Int

    /// Opens the folder `path` for a base that is there, and for prompts of this form; nil: whatever form they have.
    init(_ path: String, base: BaseModel, template: String?, threads: Int) throws {
        (self.base, self.threads) = (base, threads)
        contents = try Self.contents(path, base: base, template: template)
    }

    /// What one rank scores with.
    func model() -> ProcessRewardModel {
        let policy = Policy(base: base, trainable: .lora(contents.adapter), parallel: Parallel(threads: threads))
        policy.adopt(values: policy.layout.parameters(of: contents.matrices), version: 1)
        return ProcessRewardModel(policy: policy, head: contents.head)
    }

    /// Reads a reward model, and fails where it was trained on another base or other prompts: its scores would mean nothing.
    static func contents(_ path: String, base: BaseModel, template: String?) throws -> RewardModelFolder.Contents {
        let contents: RewardModelFolder.Contents
        do {
            contents = try RewardModelFolder.read(path, for: base.configuration)
        } catch ModelFileError.shape(let file, let tensor, _, let found) {
            throw RunError.badData(
                "the reward model \(path) was trained on a base of other sizes than this one (\(tensor) in \(file) has shape "
                    + "\(found)); name the model that it was trained on, or train another on this one with gfn-dist reward")
        }
        guard try contents.baseDigest == base.rewardModelDigest else {
            throw RunError.badData(
                "the reward model \(path) was trained on another base than this one (their final norms differ); name the model that it "
                    + "was trained on, or train another on this one with gfn-dist reward")
        }
        if let template, contents.template != template {
            throw RunError.badData(
                "the reward model \(path) was trained with prompts in the form '\(contents.template.printable(limit: 40))', and here they "
                    + "have the form '\(template)'; set data.chat_template to the same as there")
        }
        return contents
    }
}
