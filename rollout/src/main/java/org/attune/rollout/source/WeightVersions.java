package org.attune.rollout.source;

/// Writes what is trained for servers, an adapter or a whole model, a version for each round.
public interface WeightVersions {
    /// Writes the weights as they are now: the run's first process does, all others wait for it.
    /// Called once per round on the engine thread of each process.
    ///
    /// @param round number of the batch of prompts, from 0
    /// @return what servers are to load; another name for other weights
    ServedWeights write(long round);

    /// Deletes weights that no server is asked for any more.
    void discard(ServedWeights adapter);
}
