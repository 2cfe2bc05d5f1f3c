package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;

/// A round for those who watch: prompts, completions, rewards, advantages, in the order in which
/// they were generated. A named tuple.
///
/// @param batch prompts and completions, `(N)`
/// @param rewards of each function, `(N, F)`
/// @param advantages `(N)`
/// @param generations completions of a prompt, which follow each other; N is a multiple
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record CompletionTable(
        RewardBatch batch, RewardTable rewards, double[] advantages, int generations) {}
