package org.attune.rollout;

import java.util.List;

/// Rollouts of the trained policy itself, by the generator in this process. The draws of a round
/// follow from seed and round, those of a sequence from its place in the round.
public final class EngineRollouts implements RolloutSource {
    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    private final Generator generator;
    private final SamplingConfig sampling;
    private final SamplingConfig heldOut;

    /// @param generator over the policy's weights
    /// @param sampling how to sample in training; its seed is the run's
    /// @param heldOut how to sample in evaluations
    public EngineRollouts(Generator generator, SamplingConfig sampling, SamplingConfig heldOut) {
        this.generator = generator;
        this.sampling = sampling;
        this.heldOut = heldOut;
    }

    @Override
    public List<SampledCompletion> complete(List<int[]> prompts, long round) {
        long seed = sampling.seed() + GOLDEN * (round + 1);
        return generator.generate(prompts, sampling.withSeed(seed), TokenListener.NONE);
    }

    @Override
    public List<SampledCompletion> completeHeldOut(List<int[]> prompts) {
        return generator.generate(prompts, heldOut, TokenListener.NONE);
    }

    @Override
    public boolean isOnPolicy() {
        return true;
    }
}
