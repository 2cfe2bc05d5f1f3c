package org.attune.trainers.onpolicy;

import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.rollout.RolloutSource;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.EvalSet;

import java.util.List;
import java.util.Optional;

/// What a run with rounds of judged completions is given beside its configuration and its policy.
/// The caller owns and closes everything.
///
/// @param reference what the policy is held to
/// @param source completes prompts with the policy's weights as they are
/// @param rewards judges completions
/// @param tokenizer of the policy
/// @param prompts training prompts, prepared
/// @param evalSets may be empty
public record RoundInputs(
        Optional<Scorer> reference,
        RolloutSource source,
        CompletionScorer rewards,
        Tokenizer tokenizer,
        List<PromptExample> prompts,
        List<EvalSet<PromptExample>> evalSets) {
    public RoundInputs {
        prompts = MixedRows.unchanged(prompts);
        evalSets = List.copyOf(evalSets);
    }
}
