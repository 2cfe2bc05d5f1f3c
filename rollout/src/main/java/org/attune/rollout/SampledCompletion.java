package org.attune.rollout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// What was generated for one prompt. A named tuple: equality is identity of the arrays.
///
/// @param ids sampled tokens, a stop token included
/// @param logProbs natural log-probability of each under the model itself: temperature 1, no
///     penalties, nothing left out
/// @param reason why it ended
/// @param top likeliest tokens at each position; empty unless they were asked for
/// @param foreign where a token is not the model's own, as the answer of a tool, and must not be
///     trained; empty if all are its own
/// @param episode whose tokens these are, which may stand in several sequences
///     ([Episode#isForked]); empty for a single answer
/// @param drawable ids that each token was drawn from, none of one from outside; empty unless they
///     were asked for and filters left tokens out
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SampledCompletion(
        int[] ids,
        float[] logProbs,
        StopReason reason,
        List<TopTokens> top,
        BitSet foreign,
        Optional<Episode> episode,
        List<int[]> drawable) {
    public SampledCompletion {
        top = List.copyOf(top);
        drawable = List.copyOf(drawable);
        foreign = (BitSet) foreign.clone();
    }

    /// A completion that is a single answer, no episode.
    public SampledCompletion(
            int[] ids, float[] logProbs, StopReason reason, List<TopTokens> top, BitSet foreign) {
        this(ids, logProbs, reason, top, foreign, Optional.empty(), List.of());
    }

    /// An episode as one completion. One that failed, or ended before its first token, stands as
    /// one foreign token, the last of its prompt, since a completion has at least one.
    ///
    /// @param reason how it counts where completions are told apart by their ends
    public static SampledCompletion of(Episode episode, StopReason reason) {
        int[] ids = episode.completionIds();
        float[] logProbs = episode.logProbs();
        BitSet foreign = episode.foreign();
        if (ids.length == 0 || episode.end() == EndReason.FAILED) {
            ids = new int[] {episode.promptIds()[episode.promptIds().length - 1]};
            logProbs = new float[1];
            foreign = new BitSet();
            foreign.set(0);
        }
        return new SampledCompletion(
                ids, logProbs, reason, List.of(), foreign, Optional.of(episode), List.of());
    }

    /// Whether the completion is an episode that failed: no reward judges it, and nothing is
    /// learned from it.
    public boolean isFailed() {
        return episode.isPresent() && episode.get().end() == EndReason.FAILED;
    }

    /// A completion whose tokens are all the model's own.
    public SampledCompletion(int[] ids, float[] logProbs, StopReason reason, List<TopTokens> top) {
        this(ids, logProbs, reason, top, new BitSet());
    }

    /// The turn that each token belongs to, from 0, `(T)`; an observation belongs to the turn that
    /// it answers.
    public int[] turns() {
        int[] turns = new int[ids.length];
        if (episode.isPresent() && !isFailed()) {
            int[] starts = episode.get().turnStarts();
            for (int turn = 1; turn < starts.length; turn++) {
                Arrays.fill(turns, starts[turn], turns.length, turn);
            }
        }
        return turns;
    }

    /// Tokens of the model's own.
    public int ownTokens() {
        return ids.length - foreign.cardinality();
    }

    /// A completion without likeliest tokens.
    public SampledCompletion(int[] ids, float[] logProbs, StopReason reason) {
        this(ids, logProbs, reason, List.of());
    }
}
