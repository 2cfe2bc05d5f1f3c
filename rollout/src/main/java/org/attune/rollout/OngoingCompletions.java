package org.attune.rollout;

import java.util.List;

/// Completions that may take several rounds, as a [RolloutSource] sees them: it gives free places
/// to the next ones, makes all under way longer, and stops after the token with which enough have
/// ended. On the engine thread.
public interface OngoingCompletions {
    /// A completion that has a place.
    ///
    /// @param prompt token ids; those of a group are the same array
    /// @param batch from which draws follow, with `index`
    /// @param index its number in the batch, from 0
    /// @param before its tokens from earlier rounds; none at its beginning
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Begun(int[] prompt, long batch, int index, SampledCompletion before) {}

    /// Most completions that get tokens at once, ≥ 1.
    int places();

    /// Tokens of the longest prompt, ≥ 1.
    int longestPrompt();

    /// Completions that take free places, those of a group one behind the other; may be none.
    ///
    /// @param free places, ≥ 1
    List<Begun> next(int free);

    /// Hears that one has ended.
    ///
    /// @param whole all of its tokens, those from before included
    void ended(Begun begun, SampledCompletion whole);

    /// Hears of one that has not ended, after the last token of all.
    ///
    /// @param before all of its tokens until now
    void left(Begun begun, SampledCompletion before);

    /// Whether enough have ended. Asked after each token of all.
    boolean isEnough();
}
