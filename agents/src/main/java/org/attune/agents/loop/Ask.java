package org.attune.agents.loop;

import org.attune.episode.Episode;

/// What an episode's thread tells the engine's.
@SuppressWarnings("ArrayRecordComponent") // named tuples, never compared
sealed interface Ask {
    int place();

    /// A conversation of the episode wants a first turn.
    record Begin(
            int place,
            int conversation,
            int[] prompt,
            int most,
            int drawn,
            long deadline,
            TurnReader reader)
            implements Ask {}

    /// A conversation of the episode wants another turn.
    record GoOn(int place, int conversation, int[] observed, int most, TurnReader reader)
            implements Ask {}

    /// The episode is with its world now.
    record Away(int place) implements Ask {}

    /// The episode's sequences are of no use any more.
    record Abandon(int place) implements Ask {}

    /// The episode has ended.
    record Ended(int place, Episode episode) implements Ask {}

    /// The episode can't go on, and neither can the others.
    record Broken(int place, Throwable cause) implements Ask {}
}
