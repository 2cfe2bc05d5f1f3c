package org.attune.trainers.onpolicy;

import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;

import java.util.List;

/// Completes prompts and finds out what a method must know of the completions.
public interface RoundCompleter {
    /// Completions in the order in which they were asked for.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    /// @param generations completions of each
    JudgedCompletions of(
            int[] indices, List<PromptExample> prompts, int generations, Completer completer);

    /// A completer of parts of rounds, whose rewards needn't say enough alone.
    RoundCompleter ofPart();

    /// A part of a round that another process has completed.
    ///
    /// @param sampled its completions
    /// @param table their rewards
    JudgedCompletions known(
            AskedPrompts asked,
            List<SampledCompletion> sampled,
            RewardTable table,
            int generations);

    /// A round of which all parts are there.
    ///
    /// @param parts of it as one
    JudgedCompletions joined(JudgedCompletions parts);
}
