package org.attune.model.decode;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Flash attention that reads what sequences begin with once for all of them.
class FlashSharingTest {
    /// Slots in a random order, some of which begin alike.
    private static CacheCase sharing(UniformRandomProvider random, KvCache cache, boolean single) {
        int[] slots = PermutationSampler.natural(CacheCase.SLOTS);
        PermutationSampler.shuffle(random, slots);
        int[] used = new int[CacheCase.SLOTS];
        int[] added = new int[CacheCase.SLOTS];
        for (int i = 0; i < CacheCase.SLOTS; i++) {
            cache.truncate(slots[i], 0);
            if (i > 0 && random.nextInt(4) > 0) {
                int from = slots[random.nextInt(i)];
                cache.copy(from, slots[i], 1 + random.nextInt(cache.length(from)));
            }
            int more = Math.max(1 - cache.length(slots[i]), random.nextInt(4));
            int[] ids = random.ints(more, 0, CacheCase.CONFIG.vocabSize()).toArray();
            ids =
                    Arrays.copyOf(
                            ids, Math.min(more, CacheCase.CAPACITY - 3 - cache.length(slots[i])));
            cache.append(slots[i], ids, Adapter.OFF, ForwardRecord.NONE);
            added[i] = single ? 1 : 1 + random.nextInt(3);
            used[i] = cache.length(slots[i]) + added[i];
        }
        return new CacheCase(slots, used, added, 0);
    }

    /// Keys and values of the same tokens are the same, as after [KvCache#copy].
    private static void fill(UniformRandomProvider random, KvCache cache) {
        Tensor rows = cache.rows(1);
        rows.copyInPlace(CacheCase.halves(random, rows.size(0), rows.size(1)));
        for (int slot = 1; slot < CacheCase.SLOTS; slot++) {
            for (int from = 0; from < slot; from++) {
                copyBeginning(cache, from, slot);
            }
        }
    }

    private static void copyBeginning(KvCache cache, int from, int to) {
        int common = cache.common(from, to);
        if (common > 0) {
            for (boolean values : new boolean[] {false, true}) {
                Tensor rows = values ? cache.valueRows(1) : cache.keyRows(1);
                rows.narrow(0, cache.firstRow(to), common)
                        .copyInPlace(rows.narrow(0, cache.firstRow(from), common));
            }
        }
    }

    @Test
    void whatSeveralBeginWithIsReadOnce() {
        UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(12L);
        int[] sharing = new int[1];
        Engine.run(
                () -> {
                    try (var decoder =
                                    TinyModels.decoder(
                                            CacheCase.CONFIG, DType.BFLOAT16, CacheCase.GPU);
                            var cache = new KvCache(decoder, CacheCase.SLOTS, CacheCase.CAPACITY)) {
                        for (int i = 0; i < 60; i++) {
                            try (var _ = TensorScope.open("case")) {
                                CacheCase c = sharing(random, cache, i % 2 == 0);
                                fill(random, cache);
                                var flash = new FlashCache(decoder, cache, c.additions(), 1);
                                sharing[0] += flash.shares() ? 1 : 0;
                                int n = c.starts()[CacheCase.SLOTS];
                                Tensor q =
                                        CacheCase.halves(
                                                random,
                                                n,
                                                CacheCase.CONFIG.heads(),
                                                CacheCase.CONFIG.headDim());
                                float[] got =
                                        CacheCase.numbers(flash.attend(q, 1, CacheCase.SCALE, 0));
                                c.assertDense(q, cache.rows(1), got);
                            }
                        }
                    }
                });
        assertTrue(sharing[0] > 20 && sharing[0] < 60, sharing[0] + " of 60 cases share");
    }

    private static KvCache reading(Decoder decoder, int[]... sequences) {
        var cache = new KvCache(decoder, sequences.length, CacheCase.CAPACITY);
        for (int slot = 0; slot < sequences.length; slot++) {
            cache.append(slot, sequences[slot], Adapter.OFF, ForwardRecord.NONE);
        }
        return cache;
    }

    @Test
    void aRunSharesWhatSparesMost() {
        Engine.run(
                () -> {
                    int[] a = {1, 2, 3, 4, 5, 6};
                    int[] like = {1, 2, 3, 4, 5, 7};
                    int[] less = {1, 2, 9, 8, 9, 8};
                    try (var decoder =
                                    TinyModels.decoder(
                                            CacheCase.CONFIG, DType.BFLOAT16, CacheCase.GPU);
                            var cache = reading(decoder, a, like, less, less, a)) {
                        SharedRuns runs = SharedRuns.of(cache, new int[] {0, 1, 2, 3, 4});
                        assertEquals("runs to [2, 4, 5] share [5, 6, 0]", runs.toString());
                        assertEquals(11, runs.spared());
                        runs = SharedRuns.of(cache, new int[] {4, 0, 1});
                        assertEquals("runs to [3] share [5]", runs.toString());
                        assertEquals(10, runs.spared());
                        int tokenBytes =
                                2 * CacheCase.CONFIG.kvHeads() * CacheCase.CONFIG.headDim() * 2;
                        try (var _ = TensorScope.open("test")) {
                            CacheCase c =
                                    new CacheCase(new int[] {4, 0, 1}, new int[3], ones(3), 0);
                            long all = 10L * tokenBytes;
                            assertTrue(new FlashCache(decoder, cache, c.additions(), all).shares());
                            assertFalse(
                                    new FlashCache(decoder, cache, c.additions(), all + 1)
                                            .shares());
                        }
                    }
                });
    }

    private static int[] ones(int count) {
        int[] ones = new int[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    /// Hidden states of whole passes, with and without sharing.
    @Test
    void passesAgree() {
        Engine.run(
                () -> {
                    int[] prompt = TinyModels.tokens("prompt", CacheCase.CONFIG, 6);
                    try (var decoder =
                                    TinyModels.decoder(
                                            CacheCase.CONFIG, DType.BFLOAT16, CacheCase.GPU);
                            var cache = new KvCache(decoder, CacheCase.SLOTS, CacheCase.CAPACITY);
                            var _ = TensorScope.open("test")) {
                        var reader = new CachedDecoder(decoder, Adapter.OFF);
                        reader.prefill(cache, 0, prompt);
                        cache.copy(0, 1, CacheCase.SLOTS - 1, prompt.length);
                        reader.decode(cache, new int[] {3, 4, 3, 5});
                        CacheCase c =
                                new CacheCase(
                                        IntStream.range(0, CacheCase.SLOTS).toArray(),
                                        new int[CacheCase.SLOTS],
                                        ones(CacheCase.SLOTS),
                                        0);
                        float[] apart = hidden(decoder, cache, c, Long.MAX_VALUE);
                        float[] shared = hidden(decoder, cache, c, 1);
                        assertClose("hidden", apart, shared, 0.03, 0.03);
                        assertFalse(Arrays.equals(apart, shared), "rounding differs");
                    }
                });
    }

    private static float[] hidden(Decoder decoder, KvCache cache, CacheCase c, long worth) {
        return CacheCase.numbers(
                DeviceStep.of(decoder, AdapterRows.all(Adapter.OFF), cache, c.additions(), worth)
                        .orElseThrow()
                        .run());
    }
}
