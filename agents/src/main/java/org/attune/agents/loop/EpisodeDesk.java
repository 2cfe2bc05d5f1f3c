package org.attune.agents.loop;

import org.attune.rollout.SampledTurn;

import java.util.List;

/// What an episode asks of the engine, from its own thread.
interface EpisodeDesk {
    /// Begins the sequence of a conversation and waits for its first turn.
    ///
    /// @param conversation of the episode, from 0; one that has begun begins anew
    /// @param drawn as for [org.attune.rollout.TurnSampler#begin]
    /// @param deadline of the episode, as [System#nanoTime]: a turn under way is cut then
    /// @param reader of the turn; if it goes away, the turn is cut
    SampledTurn begin(
            int conversation, int[] prompt, int most, int drawn, long deadline, TurnReader reader)
            throws InterruptedException;

    /// Goes on with the sequence of a conversation, and waits for its next turn.
    SampledTurn goOn(int conversation, int[] observed, int most, TurnReader reader)
            throws InterruptedException;

    /// Texts that end a turn.
    List<String> stopStrings();

    /// Says that the episode is with its world now, which may take a while.
    void isAway();

    /// Ends the sequences that there are.
    void abandon();
}
