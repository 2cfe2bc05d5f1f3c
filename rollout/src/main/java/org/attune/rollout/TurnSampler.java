package org.attune.rollout;

import java.util.List;

/// Samples turns of several sequences at the same time. Between its turns a sequence takes up
/// tokens from outside. Used by one thread.
public interface TurnSampler {
    /// Hears what is sampled, on the thread that steps.
    @FunctionalInterface
    interface Listener {
        /// A turn has ended.
        void ended(SampledTurn turn);

        /// A sequence has got a token.
        default void sampled(int sequence, int id) {}
    }

    /// Texts that end a turn; may be none.
    default List<String> stopStrings() {
        return List.of();
    }

    /// Most sequences that get tokens at once.
    int slots();

    /// Begins a sequence, whose first turn is sampled.
    ///
    /// @param sequence its number, ≥ 0; its draws depend on it. A number whose sequence has ended
    ///     may begin again, and draws the same
    /// @param prompt token ids, at least one
    /// @param most tokens of the turn, ≥ 1
    /// @param drawn where its draws go on: 0 for a new sequence, more for one that replaces that of
    ///     the same number, which had so many tokens after its prompt. It may have as many tokens
    ///     in all as the other
    /// @throws org.attune.error.RolloutException if the prompt can't be read
    void begin(int sequence, int[] prompt, int most, int drawn);

    /// Lets a sequence whose turn has ended go on with another turn.
    ///
    /// @param observed tokens from outside that come first; none is fine
    /// @param most tokens of the turn, ≥ 1
    void goOn(int sequence, int[] observed, int most);

    /// Ends a turn under way as it is, by [StopReason#DEADLINE]: the next step tells of it. If it
    /// had not begun, it has no tokens.
    void cut(int sequence);

    /// Lets a sequence between two turns give up its place, since its next turn may never come. If
    /// it goes on, it may be read again.
    default void leave(int sequence) {}

    /// Ends a sequence, in whatever state it is; nothing if it has ended.
    void end(int sequence);

    /// Whether a step has something to do: a sequence's turn is under way.
    boolean isBusy();

    /// One pass, in which turns under way get a token, or prompts and tokens from outside are read.
    ///
    /// @param listener told of each token, and then of each turn that has ended
    void step(Listener listener);
}
