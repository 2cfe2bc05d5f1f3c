package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;

import java.util.Optional;

/// A round for those who watch: prompts, completions, rewards, advantages, in the order in which
/// they were generated. A named tuple.
///
/// @param batch prompts and completions, `(N)`
/// @param rewards of each function, `(N, F)`
/// @param advantages `(N)`; empty where a method gives a completion none
/// @param generations completions of a prompt, which follow each other; N is a multiple
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record CompletionTable(
        RewardBatch batch, RewardTable rewards, Optional<double[]> advantages, int generations) {
    /// A round without advantages.
    public CompletionTable(RewardBatch batch, RewardTable rewards, int generations) {
        this(batch, rewards, Optional.empty(), generations);
    }

    /// Adds advantages.
    ///
    /// @param values `(N)`
    public CompletionTable with(double[] values) {
        return new CompletionTable(batch, rewards, Optional.of(values), generations);
    }
}
