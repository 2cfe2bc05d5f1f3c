package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

/// Flash attention over a cache as it stands equals dense attention, for random lengths, slots in
/// any order, one or several new tokens of each, and windows.
class FlashCacheTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();
    private static final Device GPU = Device.simulated();
    private static final int SLOTS = 4;
    private static final int CAPACITY = 11;
    private static final double SCALE = 0.3;

    private static Tensor halves(UniformRandomProvider random, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= Math.toIntExact(size);
        }
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = 4 * random.nextFloat() - 2;
        }
        return Tensor.of(GPU, numbers, shape).to(DType.BFLOAT16);
    }

    private static float[] numbers(Tensor x) {
        return x.to(DType.FLOAT32).contiguous().toFloats();
    }

    /// Sequences of a case: their slots, the keys of each, and how many of those are new.
    private record Case(int[] slots, int[] used, int[] added, int window) {
        static Case of(UniformRandomProvider random) {
            int[] slots = {3, 0, 2};
            int[] used = new int[slots.length];
            int[] added = new int[slots.length];
            boolean single = random.nextBoolean();
            for (int i = 0; i < slots.length; i++) {
                used[i] = 1 + random.nextInt(CAPACITY);
                added[i] = single ? 1 : 1 + random.nextInt(used[i]);
            }
            return new Case(slots, used, added, random.nextInt(5));
        }

        int[] starts() {
            int[] starts = new int[added.length + 1];
            for (int i = 0; i < added.length; i++) {
                starts[i + 1] = starts[i] + added[i];
            }
            return starts;
        }
    }

    /// Number `k` of a head's key, or value, at a place of a slot.
    private static double at(float[] cache, int slot, int head, int value, int place, int k) {
        int row = ((slot * CONFIG.kvHeads() + head) * 2 + value) * CAPACITY + place;
        return cache[row * CONFIG.headDim() + k];
    }

    private static double[] dense(
            float[] queries, float[] cache, Case c, int sequence, int row, int head) {
        int size = CONFIG.headDim();
        int end = c.used()[sequence] - (c.starts()[sequence + 1] - 1 - row);
        int from = c.window() > 0 ? Math.max(0, end - c.window()) : 0;
        int slot = c.slots()[sequence];
        int kvHead = head / (CONFIG.heads() / CONFIG.kvHeads());
        double[] out = new double[size];
        double sum = 0;
        for (int place = from; place < end; place++) {
            double score = 0;
            for (int k = 0; k < size; k++) {
                double q = queries[(row * CONFIG.heads() + head) * size + k];
                score += q * at(cache, slot, kvHead, 0, place, k);
            }
            double p = Math.exp(SCALE * score);
            sum += p;
            for (int k = 0; k < size; k++) {
                out[k] += p * at(cache, slot, kvHead, 1, place, k);
            }
        }
        for (int k = 0; k < size; k++) {
            out[k] /= sum;
        }
        return out;
    }

    private static void compare(UniformRandomProvider random, KvCache cache) {
        Case c = Case.of(random);
        int[] starts = c.starts();
        Tensor rows = cache.rows(1);
        rows.copyInPlace(halves(random, rows.size(0), rows.size(1)));
        Tensor q = halves(random, starts[starts.length - 1], CONFIG.heads(), CONFIG.headDim());
        int[] keys = new int[c.slots().length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = cache.firstRow(c.slots()[i]);
        }
        var entries = FlashAttention.Entries.inCache(GPU, starts, keys, c.used());
        float[] got =
                numbers(
                        FlashAttention.forward(
                                        q,
                                        cache.keyRows(1),
                                        cache.valueRows(1),
                                        entries,
                                        SCALE,
                                        c.window())
                                .out());
        float[] queries = numbers(q);
        float[] cached = numbers(rows);
        int size = CONFIG.headDim();
        for (int sequence = 0; sequence < keys.length; sequence++) {
            for (int row = starts[sequence]; row < starts[sequence + 1]; row++) {
                for (int head = 0; head < CONFIG.heads(); head++) {
                    double[] expected = dense(queries, cached, c, sequence, row, head);
                    for (int k = 0; k < size; k++) {
                        float number = got[(row * CONFIG.heads() + head) * size + k];
                        assertEquals(expected[k], number, 0.01, c.toString());
                    }
                }
            }
        }
    }

    @Test
    void flashEqualsDenseAttention() {
        UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(11L);
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16, GPU);
                            var cache = new KvCache(decoder, SLOTS, CAPACITY)) {
                        for (int i = 0; i < 40; i++) {
                            try (var _ = TensorScope.open("case")) {
                                compare(random, cache);
                            }
                        }
                    }
                });
    }
}
