package org.attune.trainers.setup;

import org.attune.policy.StepMemory;
import org.attune.trainers.batch.TokenBudget;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// How many tokens are computed at once and whether blocks are computed again in the backward pass:
/// the fastest way that fits the memory. Losses and gradients are the same but for rounding, which
/// `tokens` can change.
///
/// @param tokens most tokens computed at once
/// @param recompute whether blocks are computed again
/// @param fits whether that fits by the estimate; unknown memory counts as enough for the default
/// @param explanation what was chosen and why, for the log
record MemoryPlan(int tokens, boolean recompute, boolean fits, String explanation) {
    /// Fewer, with everything kept, are slower than many with recomputation.
    private static final int FEWEST_TOKENS = 256;

    /// Part of the available memory that is used: the rest is for the Java heap, cached files, and
    /// what the estimate and the allocator's gaps leave out.
    private static final double SHARE = 0.75;

    private static final double GIB = 1L << 30;

    /// What is asked for.
    ///
    /// @param tokens `tokens_per_micro_batch`, or that of the checkpoint from which the run goes on
    /// @param mayRecompute `gradient_checkpointing`
    /// @param longestRow tokens of the longest row, which is computed at once whatever the budget
    record Wish(OptionalInt tokens, boolean mayRecompute, int longestRow) {}

    private record Way(int tokens, boolean recompute) {}

    /// Takes the first way that fits. The order is that of speed: 256 tokens with everything kept
    /// take less time than 2048 whose blocks are computed again.
    ///
    /// @param available bytes; empty if unknown
    static MemoryPlan choose(StepMemory need, OptionalLong available, Wish wish) {
        if (available.isEmpty()) {
            int tokens = wish.tokens().orElse(TokenBudget.DEFAULT_TOKENS);
            return plan(need, new Way(tokens, wish.mayRecompute()), available, wish);
        }
        List<Way> ways = ways(wish);
        for (Way way : ways) {
            MemoryPlan plan = plan(need, way, available, wish);
            if (plan.fits()) {
                return plan;
            }
        }
        return plan(need, ways.getLast(), available, wish);
    }

    /// From fast to small.
    private static List<Way> ways(Wish wish) {
        int[] budgets =
                wish.tokens().isPresent()
                        ? new int[] {wish.tokens().getAsInt()}
                        : IntStream.iterate(
                                        TokenBudget.DEFAULT_TOKENS,
                                        tokens -> tokens >= FEWEST_TOKENS,
                                        tokens -> tokens / 2)
                                .toArray();
        List<Way> ways = IntStream.of(budgets).mapToObj(tokens -> new Way(tokens, false)).toList();
        if (!wish.mayRecompute()) {
            return ways;
        }
        return Stream.concat(ways.stream(), ways.stream().map(way -> new Way(way.tokens(), true)))
                .toList();
    }

    private static MemoryPlan plan(StepMemory need, Way way, OptionalLong available, Wish wish) {
        int atOnce = Math.max(way.tokens(), wish.longestRow());
        long bytes = need.bytes(atOnce, way.recompute());
        boolean fits = available.isEmpty() || bytes <= SHARE * available.getAsLong();
        String explanation =
                String.format(
                        Locale.ROOT,
                        "computing up to %d tokens at once (longest row %d), %s: about %.2f GiB"
                                + " beside the weights, %.2f of it gradients and optimizer, of %s",
                        way.tokens(),
                        wish.longestRow(),
                        way.recompute()
                                ? "blocks again in the backward pass"
                                : "keeping all activations",
                        bytes / GIB,
                        need.optimizer() / GIB,
                        available.isPresent()
                                ? "%.2f GiB available".formatted(available.getAsLong() / GIB)
                                : "unknown memory");
        return new MemoryPlan(way.tokens(), way.recompute(), fits, explanation);
    }
}
