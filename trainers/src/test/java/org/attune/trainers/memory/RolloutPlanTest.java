package org.attune.trainers.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.pass.ActivationBytes;
import org.attune.rollout.generation.GenerationMemory;
import org.attune.tensor.DType;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Locale;
import java.util.Optional;

class RolloutPlanTest {
    private static final GenerationMemory MEMORY = memory();

    private static GenerationMemory memory() {
        var config = TinyModels.smol(30, 49_152);
        var activations = ActivationBytes.of(config, DType.BFLOAT16, 112);
        return new GenerationMemory(config, DType.BFLOAT16, activations, 100, 400, 1);
    }

    private static RolloutPlan plan(long bytes, int slots, int sequences) {
        var limit = new MemoryLimit(bytes, Optional.empty(), bytes);
        return RolloutPlan.choose(wish(slots, sequences), Optional.of(limit));
    }

    @Test
    void asManyAsAskedForWhereTheyFit() {
        RolloutPlan plan = plan(MEMORY.bytes(32), 32, 64);
        assertEquals(32, plan.slots());
        assertEquals(MEMORY.bytes(32), plan.bytes());
        assertTrue(plan.fits());
    }

    @Test
    void halfAsManyUntilTheyFit() {
        assertEquals(16, plan(MEMORY.bytes(32) - 1, 32, 64).slots());
        assertEquals(4, plan(MEMORY.bytes(5), 32, 64).slots());
        assertEquals(1, plan(MEMORY.bytes(1), 32, 64).slots());
    }

    @Test
    void whereNotEvenOneFitsItIsSaid() {
        RolloutPlan plan = plan(MEMORY.bytes(1) - 1, 32, 64);
        assertEquals(1, plan.slots());
        assertFalse(plan.fits());
    }

    /// A cache has a slot for each of them at most; what was asked for stays, since it is compared
    /// when a run is resumed.
    @Test
    void fewSequencesTakeLittle() {
        RolloutPlan plan = plan(MEMORY.bytes(8), 32, 8);
        assertEquals(32, plan.slots());
        assertEquals(MEMORY.bytes(8), plan.bytes());
        assertEquals(4, plan(MEMORY.bytes(8) - 1, 32, 8).slots());
    }

    @Test
    void unknownMemoryIsEnough() {
        RolloutPlan plan = RolloutPlan.choose(wish(32, 64), Optional.empty());
        assertEquals(32, plan.slots());
        assertTrue(plan.fits());
    }

    @Test
    void theLogSaysWhatAndWhy() {
        double gib = 1L << 30;
        assertEquals(
                String.format(
                        Locale.ROOT,
                        "generating up to 32 of 32 sequences at once (prompts of 100 tokens at"
                                + " most, 400 new ones): about %.2f GiB, %.2f of it their keys and"
                                + " values, of 8.00 GiB available",
                        MEMORY.bytes(32) / gib,
                        MEMORY.cache(32) / gib),
                plan(8L << 30, 32, 64).explanation());
    }

    private static RolloutPlan.Wish wish(int slots, int sequences) {
        return new RolloutPlan.Wish(MEMORY, slots, sequences, KeptActivations.Wish.NOTHING);
    }
}
