package org.attune.trainers.memory;

import org.attune.model.pass.Recomputation;
import org.attune.policy.TokenBudget;
import org.attune.trainers.batch.RowTokens;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Plans how many tokens are computed at once and what is computed again in the backward pass: the
/// fastest way that fits the memory. Losses and gradients are the same but for rounding, which
/// `tokens` can change.
///
/// @param tokens most tokens computed at once
/// @param recomputed in the backward pass
/// @param bytes that this takes beside what is resident now
/// @param fits whether that fits by the estimate; unknown memory counts as enough for the default
/// @param explanation what was chosen and why, for the log
record MemoryPlan(
        int tokens, Recomputation recomputed, long bytes, boolean fits, String explanation) {
    /// Fewer are slower than many with recomputation.
    private static final int FEWEST_TOKENS = 256;

    /// What computing all blocks again adds to the time of a step of short rows.
    private static final double AGAIN = 0.24;

    /// Attention takes so much longer for an operation than products do.
    private static final double ATTENTION = 1.3;

    private static final double GIB = 1L << 30;

    /// Whether the plan is what any machine with memory enough does.
    boolean isUsual() {
        return fits && tokens >= TokenBudget.DEFAULT_TOKENS && recomputed.blocks() == 0;
    }

    /// What is asked for.
    ///
    /// @param tokens `tokens_per_micro_batch`, or that of the checkpoint from which the run goes on
    /// @param mayRecompute `gradient_checkpointing`
    /// @param rows the longest is computed at once whatever the budget, and never more than those
    ///     of a step
    record Wish(OptionalInt tokens, boolean mayRecompute, RowTokens rows) {}

    /// One way to compute a step, with its estimated time relative to that of 2048 tokens with
    /// everything kept (measured: docs/lab/engine.md).
    private record Way(int tokens, Recomputation recomputed, double time) {}

    /// Takes the fastest way that fits, else the smallest.
    ///
    /// @param limit empty if unknown
    static MemoryPlan choose(MemoryNeed need, Optional<MemoryLimit> limit, Wish wish) {
        Recomputation most = wish.mayRecompute() ? most(need.layers()) : Recomputation.NONE;
        if (limit.isEmpty()) {
            int tokens = wish.tokens().orElse(TokenBudget.DEFAULT_TOKENS);
            return plan(need, way(tokens, most, need, wish), limit, wish);
        }
        List<Way> ways = ways(need, wish, most.blocks()).toList();
        return ways.stream()
                .map(way -> plan(need, way, limit, wish))
                .filter(MemoryPlan::fits)
                .findFirst()
                .orElseGet(() -> plan(need, smallest(ways), limit, wish));
    }

    /// The most recomputation that is worth it: the last block is used at once, so that again it
    /// would save nothing.
    static Recomputation most(int layers) {
        return Recomputation.ofBlocks(layers - 1);
    }

    /// Lists the ways to compute a step from fast to slow.
    private static Stream<Way> ways(MemoryNeed need, Wish wish, int most) {
        int[] budgets =
                wish.tokens().isPresent()
                        ? new int[] {wish.tokens().getAsInt()}
                        : IntStream.iterate(
                                        TokenBudget.DEFAULT_TOKENS,
                                        tokens -> tokens >= FEWEST_TOKENS,
                                        tokens -> tokens / 2)
                                .toArray();
        return IntStream.of(budgets)
                .boxed()
                .flatMap(
                        tokens -> recomputations(most).map(again -> way(tokens, again, need, wish)))
                .sorted(Comparator.comparingDouble(Way::time));
    }

    private static Stream<Recomputation> recomputations(int most) {
        return Stream.concat(
                Stream.of(Recomputation.NONE),
                IntStream.rangeClosed(1, most)
                        .boxed()
                        .flatMap(
                                blocks ->
                                        Stream.of(
                                                Recomputation.ofBlocks(blocks),
                                                new Recomputation(blocks, true))));
    }

    private static Way smallest(List<Way> ways) {
        return ways.stream()
                .min(
                        Comparator.comparingInt(Way::tokens)
                                .thenComparing(w -> w.recomputed().keepsAttention())
                                .thenComparingInt(w -> -w.recomputed().blocks()))
                .orElseThrow();
    }

    private static Way way(int tokens, Recomputation recomputed, MemoryNeed need, Wish wish) {
        double few = tokens >= 2048 ? 1 : tokens >= 1024 ? 1.01 : tokens >= 512 ? 1.09 : 1.16;
        double attention = ATTENTION * need.attentionToProducts(wish.rows().longestRow());
        Recomputation.Shares shares = recomputed.shares(need.layers());
        double again = AGAIN * (shares.products() + shares.attention() * attention);
        return new Way(tokens, recomputed, few * (1 + again));
    }

    private static MemoryPlan plan(
            MemoryNeed need, Way way, Optional<MemoryLimit> limit, Wish wish) {
        int longest = wish.rows().longestRow();
        int atOnce = Math.max((int) Math.min(way.tokens(), wish.rows().wholeStep()), longest);
        long bytes = need.toCome(atOnce, way.recomputed());
        boolean fits = limit.isEmpty() || bytes <= limit.get().bytes();
        String explanation =
                String.format(
                        Locale.ROOT,
                        "computing up to %d tokens at once (longest row %d), %s: about %.2f GiB"
                                + " beside weights and gradients, %.2f of it the optimizer, of %s",
                        way.tokens(),
                        longest,
                        kept(way.recomputed(), need.layers()),
                        bytes / GIB,
                        need.optimizer() / GIB,
                        limit.map(MemoryLimit::toString).orElse("unknown memory"));
        return new MemoryPlan(way.tokens(), way.recomputed(), bytes, fits, explanation);
    }

    private static String kept(Recomputation recomputed, int layers) {
        if (recomputed.blocks() == 0) {
            return "keeping all activations";
        }
        String which =
                recomputed.blocks() >= layers - 1
                        ? ""
                        : "%d of %d ".formatted(recomputed.blocks(), layers);
        String attention = recomputed.keepsAttention() ? ", but not their attention" : "";
        return which + "blocks again in the backward pass" + attention;
    }
}
