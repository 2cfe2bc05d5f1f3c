package org.attune.rollout.source;

import org.attune.rollout.FinishedListener;
import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.sampling.SamplingConfig;

import java.util.List;

/// Rollouts of the trained policy itself, by the generator in this process. The draws of a round
/// follow from seed and round, those of a sequence from its place in the round.
public final class EngineRollouts implements RolloutSource {
    private final Generator generator;
    private final Generator heldOutGenerator;
    private final SamplingConfig sampling;
    private final SamplingConfig heldOut;

    /// @param generator over the policy's weights
    /// @param heldOutGenerator the same for evaluations
    /// @param sampling how to sample in training; its seed is the run's
    /// @param heldOut how to sample in evaluations
    public EngineRollouts(
            Generator generator,
            Generator heldOutGenerator,
            SamplingConfig sampling,
            SamplingConfig heldOut) {
        this.generator = generator;
        this.heldOutGenerator = heldOutGenerator;
        this.sampling = sampling;
        this.heldOut = heldOut;
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        return generator.generate(
                RolloutPrompt.idsOf(prompts),
                sampling.ofBatch(round),
                SequenceListener.of(listener));
    }

    @Override
    public List<SampledCompletion> completeHeldOut(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return heldOutGenerator.generate(
                RolloutPrompt.idsOf(prompts), heldOut, SequenceListener.of(listener));
    }

    @Override
    public List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return heldOutGenerator.generate(
                RolloutPrompt.idsOf(prompts), sampling.greedily(), SequenceListener.of(listener));
    }

    @Override
    public void goOn(OngoingCompletions ongoing) {
        generator.goOn(ongoing, sampling.withTellsDrawn(true));
    }

    @Override
    public boolean isOnPolicy() {
        return true;
    }
}
