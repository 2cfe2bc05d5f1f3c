package org.attune.rollout.source;

/// Writes the trained adapter for servers, a version for each round.
public interface AdapterVersions {
    /// Writes the adapter as it is now: the run's first process does, all others wait for it.
    /// Called once per round on the engine thread of each process.
    ///
    /// @param round number of the batch of prompts, from 0
    /// @return what servers are to load; another name for other weights
    ServedAdapter write(long round);

    /// Deletes an adapter that no server is asked for any more.
    void discard(ServedAdapter adapter);
}
