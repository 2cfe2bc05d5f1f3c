package org.attune.trainers.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.MemorySize;
import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.policy.StepMemory;
import org.attune.tensor.DType;
import org.attune.testing.TinyModels;
import org.attune.trainers.batch.RowTokens;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

class MemoryPlanTest {
    private static final long GIB = 1L << 30;
    private static final int LAYERS = 30;

    /// Computing the last block again saves nothing: backward starts with it.
    private static final int MOST = LAYERS - 1;
    private static final OptionalInt UNSET = OptionalInt.empty();
    private static final MemoryPlan.Wish FREE = new MemoryPlan.Wish(UNSET, true, rows(100));

    /// SmolLM2-135M with adapters of rank 16: about 1.1 GiB for 2048 tokens.
    private static final StepMemory POLICY = policy(LAYERS);

    private static final MemoryNeed NEED = MemoryNeed.of(POLICY, POLICY.optimizer());

    private static StepMemory policy(int layers) {
        var config = TinyModels.smol(layers, 49_152);
        var activations = ActivationBytes.of(config, DType.BFLOAT16, 112);
        return new StepMemory(config, DType.BFLOAT16, activations, 5_000_000, 2_000_000);
    }

    /// Many of them, so that a step has more tokens than are ever computed at once.
    private static RowTokens rows(int longest) {
        return RowTokens.atMost(longest, 1000);
    }

    private static MemoryPlan plan(long bytes, MemoryPlan.Wish wish) {
        var limit = new MemoryLimit(bytes, Optional.empty(), bytes);
        return MemoryPlan.choose(NEED, Optional.of(limit), wish);
    }

    private static void assertPlan(int tokens, int recomputed, MemoryPlan plan) {
        assertEquals(tokens, plan.tokens(), plan.explanation());
        assertEquals(recomputed, plan.recomputed().blocks(), plan.explanation());
    }

    @Test
    void muchMemoryIsNoReasonForMoreThanTheDefault() {
        assertPlan(2048, 0, plan(1000 * GIB, FREE));
    }

    @Test
    void theFastestWayThatFitsIsTaken() {
        assertPlan(2048, 0, plan(NEED.toCome(2048, Recomputation.NONE), FREE));
        // One block computed again costs less time than half as many tokens at once.
        assertPlan(2048, 1, plan(NEED.toCome(2048, Recomputation.NONE) - 16, FREE));
        assertPlan(1024, 0, plan(NEED.toCome(1024, Recomputation.NONE), FREE));
        long last = Long.MAX_VALUE;
        for (long bytes = NEED.toCome(2048, Recomputation.NONE);
                bytes > NEED.toCome(256, Recomputation.ofBlocks(LAYERS));
                bytes -= 1 << 22) {
            MemoryPlan plan = plan(bytes, FREE);
            assertTrue(plan.fits() && plan.bytes() <= bytes, plan.explanation());
            assertTrue(plan.bytes() <= last, plan.explanation());
            last = plan.bytes();
        }
    }

    @Test
    void longRowsLeaveRecomputationAsTheOnlyWay() {
        var longRow = new MemoryPlan.Wish(UNSET, true, rows(2048));
        assertPlan(2048, 17, plan(NEED.toCome(2048, Recomputation.ofBlocks(15)), longRow));
        assertPlan(2048, MOST, plan(NEED.toCome(2048, Recomputation.ofBlocks(LAYERS)), longRow));
    }

    /// A block more is computed again, then, but none of their attention.
    @Test
    void attentionOfLongRowsIsKeptWhileItFits() {
        var longRow = new MemoryPlan.Wish(UNSET, true, rows(2048));
        MemoryPlan kept = plan(NEED.toCome(2048, Recomputation.ofBlocks(10)), longRow);
        assertEquals(new Recomputation(11, true), kept.recomputed(), kept.explanation());
        assertTrue(
                kept.explanation()
                        .contains(
                                "11 of 30 blocks again in the backward pass, but not their"
                                        + " attention"),
                kept.explanation());
        var fixed = new MemoryPlan.Wish(OptionalInt.of(2048), true, rows(100));
        MemoryPlan shortRows = plan(NEED.toCome(2048, Recomputation.ofBlocks(20)), fixed);
        assertEquals(Recomputation.ofBlocks(20), shortRows.recomputed(), shortRows.explanation());
        MemoryPlan least = plan(NEED.toCome(2048, Recomputation.ofBlocks(LAYERS)), longRow);
        assertEquals(Recomputation.ofBlocks(MOST), least.recomputed(), least.explanation());
    }

    @Test
    void whereNothingFitsTheSmallestIsTaken() {
        MemoryPlan nothing = plan(1, FREE);
        assertPlan(256, MOST, nothing);
        assertFalse(nothing.fits());
    }

    @Test
    void keysAreObeyed() {
        var fixed = new MemoryPlan.Wish(OptionalInt.of(777), true, rows(100));
        assertPlan(777, 0, plan(1000 * GIB, fixed));
        assertPlan(777, MOST, plan(1, fixed));
        var kept = new MemoryPlan.Wish(UNSET, false, rows(100));
        MemoryPlan nothing = plan(1, kept);
        assertPlan(256, 0, nothing);
        assertFalse(nothing.fits());
    }

    @Test
    void unknownMemoryIsTreatedWithCare() {
        MemoryPlan plan = MemoryPlan.choose(NEED, Optional.empty(), FREE);
        assertPlan(2048, MOST, plan);
        assertTrue(plan.explanation().contains("unknown memory"), plan.explanation());
    }

    @Test
    void aStepOfFewTokensTakesNoMoreThanThese() {
        var few = new MemoryPlan.Wish(UNSET, true, RowTokens.atMost(100, 4));
        assertEquals(NEED.toCome(400, Recomputation.NONE), plan(1000 * GIB, few).bytes());
        var fewer = new MemoryPlan.Wish(OptionalInt.of(30), true, RowTokens.atMost(100, 4));
        assertEquals(NEED.toCome(100, Recomputation.NONE), plan(1000 * GIB, fewer).bytes());
    }

    @Test
    void modelsTakeTurnsAndOptimizersStay() {
        StepMemory larger = policy(2 * LAYERS);
        var both = new MemoryNeed(List.of(POLICY, larger), 70);
        assertEquals(
                70 + (long) (1.35 * larger.pass(512, Recomputation.ofBlocks(3))),
                both.toCome(512, Recomputation.ofBlocks(3)));
        assertEquals(LAYERS, both.layers());
        assertEquals(
                POLICY.optimizer() + POLICY.pass(512, Recomputation.ofBlocks(3)),
                NEED.toCome(512, Recomputation.ofBlocks(3)));
    }

    @Test
    void theLogSaysWhatAndWhy() {
        assertEquals(
                "computing up to 2048 tokens at once (longest row 100), keeping all activations:"
                        + " about %.2f GiB beside weights and gradients, 0.04 of it the optimizer, of 8.00 GiB available"
                                .formatted(NEED.toCome(2048, Recomputation.NONE) / (double) GIB),
                plan(8 * GIB, FREE).explanation());
    }

    @Test
    void maxMemoryCountsWhatIsThereAlready() {
        MemoryLimit limit = MemoryLimit.ofAsked(MemorySize.parse("2GiB"), GIB);
        assertEquals((long) (0.87 * 2 * GIB) - GIB, limit.bytes());
        assertEquals("1.00 GiB left of max_memory: 2GiB", limit.toString());
    }
}
