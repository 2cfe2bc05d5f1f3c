package org.attune.agents.loop;

/// Reads a turn while it is being sampled.
interface TurnReader {
    /// Reads nothing.
    TurnReader NONE =
            new TurnReader() {
                @Override
                public void sampled(int id) {}

                @Override
                public boolean isGone() {
                    return false;
                }
            };

    /// Called for each token, on the episode's thread.
    void sampled(int id);

    /// Whether nobody needs the turn any more: it is cut then. Asked on the engine's thread.
    boolean isGone();
}
