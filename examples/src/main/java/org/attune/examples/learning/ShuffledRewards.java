package org.attune.examples.learning;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// A control: another function's rewards, dealt out anew at random within each group of completions
/// of one prompt. Mean and spread of every group stay, and with them the size of the advantages;
/// only which completion they belong to is lost. What still improves was not learnt from the
/// rewards.
public final class ShuffledRewards implements RewardFunction {
    private final RewardFunction judge;
    private final int numGenerations;
    private final long seed;
    private final AtomicLong calls = new AtomicLong();

    /// @param judge gives the rewards
    /// @param numGenerations completions of a prompt, which stand together
    /// @param seed of the permutations; each call draws others
    public ShuffledRewards(RewardFunction judge, int numGenerations, long seed) {
        this.judge = judge;
        this.numGenerations = numGenerations;
        this.seed = seed;
    }

    /// @throws IllegalArgumentException if the completions are no whole groups
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        List<OptionalDouble> rewards = judge.score(batch);
        var random = RandomSource.XO_SHI_RO_256_PP.create(new long[] {seed, calls.getAndAdd(1)});
        var shuffled = new ArrayList<OptionalDouble>();
        for (int from = 0; from < batch.size(); from += numGenerations) {
            requireGroup(batch, from);
            for (int place : permutation(random)) {
                shuffled.add(rewards.get(from + place));
            }
        }
        return shuffled;
    }

    private int[] permutation(UniformRandomProvider random) {
        int[] places = IntStream.range(0, numGenerations).toArray();
        PermutationSampler.shuffle(random, places);
        return places;
    }

    private void requireGroup(RewardBatch batch, int from) {
        int to = from + numGenerations;
        if (to > batch.size()
                || batch.prompts().subList(from, to).stream().distinct().count() != 1) {
            throw new IllegalArgumentException(
                    ("completions %d to %d of %d are no group: rewards are shuffled among the %d"
                                    + " completions of one prompt, which must stand together")
                            .formatted(from, to - 1, batch.size(), numGenerations));
        }
    }

    /// The judge's, so that metrics of a run and its control have the same keys.
    @Override
    public String name() {
        return judge.name();
    }

    /// Groups are only whole in a whole round.
    @Override
    public boolean wholeRound() {
        return true;
    }

    @Override
    public Set<String> requiredColumns() {
        return judge.requiredColumns();
    }
}
