package org.attune.rollout.generation;

import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.SequenceListener.Next;

/// What a [GenerationBatch] tells of one sequence.
interface SequenceEvents {
    /// A token was sampled.
    Next sampled(int id, float logProb);

    /// The token sampled last is a stop token, or completed a stop string.
    Next stopped(StopReason reason);

    /// It keeps its place and waits.
    void paused();

    void ended(SampledCompletion completion);

    /// It ended by an error that concerns it alone, or all.
    void failed(RuntimeException error);
}
