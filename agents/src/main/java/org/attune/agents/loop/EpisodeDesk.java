package org.attune.agents.loop;

import org.attune.rollout.SampledTurn;

/// What an episode asks of the engine, from its own thread.
interface EpisodeDesk {
    /// Begins a sequence and waits for its first turn.
    ///
    /// @param drawn as for [org.attune.rollout.TurnSampler#begin]
    /// @param deadline of the episode, as [System#nanoTime]: a turn under way is cut then
    SampledTurn begin(int[] prompt, int most, int drawn, long deadline) throws InterruptedException;

    /// Goes on with a sequence, and waits for its next turn.
    SampledTurn goOn(int[] observed, int most) throws InterruptedException;

    /// Says that the episode is with its world now, which may take a while.
    void isAway();

    /// Ends the sequence, if there is one.
    void abandon();
}
