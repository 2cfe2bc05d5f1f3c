package org.attune.trainers.setup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.ActivationBytes;
import org.attune.policy.StepMemory;
import org.attune.tensor.DType;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.OptionalInt;
import java.util.OptionalLong;

class MemoryPlanTest {
    private static final long GIB = 1L << 30;
    private static final OptionalInt UNSET = OptionalInt.empty();
    private static final MemoryPlan.Wish FREE = new MemoryPlan.Wish(UNSET, true, 100);

    /// SmolLM2-135M with adapters of rank 16: about 1.1 GiB for 2048 tokens.
    private static final StepMemory NEED = need();

    private static StepMemory need() {
        var config = TinyModels.smol(30, 49_152);
        var activations = ActivationBytes.of(config, DType.BFLOAT16, 112);
        return new StepMemory(config, DType.BFLOAT16, activations, 5_000_000, 0);
    }

    private static MemoryPlan plan(long available, MemoryPlan.Wish wish) {
        return MemoryPlan.choose(NEED, OptionalLong.of(available), wish);
    }

    /// The least memory that is enough for a way: a quarter stays free.
    private static long enoughFor(int tokens, boolean recompute) {
        return Math.ceilDiv(NEED.bytes(tokens, recompute) * 4, 3);
    }

    private static void assertPlan(int tokens, boolean recompute, MemoryPlan plan) {
        assertEquals(tokens, plan.tokens(), plan.explanation());
        assertEquals(recompute, plan.recompute(), plan.explanation());
    }

    @Test
    void muchMemoryIsNoReasonForMoreThanTheDefault() {
        assertPlan(2048, false, plan(1000 * GIB, FREE));
    }

    @Test
    void lessMemoryTakesFewerTokensBeforeItRecomputes() {
        assertPlan(2048, false, plan(enoughFor(2048, false), FREE));
        assertPlan(1024, false, plan(enoughFor(2048, false) - 16, FREE));
        assertPlan(512, false, plan(enoughFor(1024, false) - 16, FREE));
        assertPlan(256, false, plan(enoughFor(512, false) - 16, FREE));
    }

    @Test
    void recomputationComesLastWithTheMostTokensThatFit() {
        var longRow = new MemoryPlan.Wish(UNSET, true, 2048);
        long short2048 = enoughFor(2048, false) - 16;
        assertPlan(2048, true, plan(short2048, longRow)); // no smaller budget would help
        MemoryPlan nothing = plan(1, FREE);
        assertPlan(256, true, nothing);
        assertFalse(nothing.fits());
    }

    @Test
    void keysAreObeyed() {
        var fixed = new MemoryPlan.Wish(OptionalInt.of(777), true, 100);
        assertPlan(777, false, plan(1000 * GIB, fixed));
        assertPlan(777, true, plan(1, fixed));
        var kept = new MemoryPlan.Wish(UNSET, false, 100);
        MemoryPlan nothing = plan(1, kept);
        assertPlan(256, false, nothing);
        assertFalse(nothing.fits());
    }

    @Test
    void unknownMemoryIsTreatedWithCare() {
        MemoryPlan plan = MemoryPlan.choose(NEED, OptionalLong.empty(), FREE);
        assertPlan(2048, true, plan);
        assertTrue(plan.explanation().contains("unknown memory"), plan.explanation());
    }

    @Test
    void theLogSaysWhatAndWhy() {
        assertEquals(
                "computing up to 2048 tokens at once (longest row 100), keeping all activations:"
                        + " about %.2f GiB beside the weights, 0.06 of it gradients and optimizer, of 8.00 GiB available"
                                .formatted(NEED.bytes(2048, false) / (double) GIB),
                plan(8 * GIB, FREE).explanation());
    }
}
