package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;

import java.util.List;
import java.util.stream.IntStream;

/// Sequences of a case of attention over a cache, and dense attention for it.
///
/// @param slots of the sequences
/// @param used keys of each
/// @param added how many of those are new
/// @param window tokens that one sees, 0: all
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record CacheCase(int[] slots, int[] used, int[] added, int window) {
    static final DecoderConfig CONFIG =
            TinyModels.sized("llama", 32, 48, 31, 2, TinyModels.llama().attention(), false, true);
    static final Device GPU = Devices.simulated();
    static final int SLOTS = 4;
    static final int CAPACITY = 11;
    static final double SCALE = 0.3;

    static CacheCase of(UniformRandomProvider random) {
        int[] slots = {3, 0, 2};
        int[] used = new int[slots.length];
        int[] added = new int[slots.length];
        boolean single = random.nextBoolean();
        for (int i = 0; i < slots.length; i++) {
            used[i] = 1 + random.nextInt(CAPACITY);
            added[i] = single ? 1 : 1 + random.nextInt(used[i]);
        }
        return new CacheCase(slots, used, added, random.nextInt(5));
    }

    List<NewTokens> additions() {
        return IntStream.range(0, slots.length)
                .mapToObj(i -> new NewTokens(slots[i], new int[added[i]]))
                .toList();
    }

    int[] starts() {
        int[] starts = new int[added.length + 1];
        for (int i = 0; i < added.length; i++) {
            starts[i + 1] = starts[i] + added[i];
        }
        return starts;
    }

    static Tensor halves(UniformRandomProvider random, long... shape) {
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

    static float[] numbers(Tensor x) {
        return x.to(DType.FLOAT32).contiguous().toFloats();
    }

    /// Number `k` of a head's key, or value, at a place of a slot.
    private static double at(float[] cache, int slot, int head, int value, int place, int k) {
        int row = ((slot * CONFIG.kvHeads() + head) * 2 + value) * CAPACITY + place;
        return cache[row * CONFIG.headDim() + k];
    }

    private double[] dense(float[] queries, float[] cache, int sequence, int row, int head) {
        int size = CONFIG.headDim();
        int end = used[sequence] - (starts()[sequence + 1] - 1 - row);
        int from = window > 0 ? Math.max(0, end - window) : 0;
        int slot = slots[sequence];
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

    void assertDense(Tensor q, Tensor rows, float[] got) {
        int[] starts = starts();
        float[] queries = numbers(q);
        float[] cached = numbers(rows);
        int size = CONFIG.headDim();
        for (int sequence = 0; sequence < slots.length; sequence++) {
            for (int row = starts[sequence]; row < starts[sequence + 1]; row++) {
                for (int head = 0; head < CONFIG.heads(); head++) {
                    double[] expected = dense(queries, cached, sequence, row, head);
                    for (int k = 0; k < size; k++) {
                        float number = got[(row * CONFIG.heads() + head) * size + k];
                        assertEquals(expected[k], number, 0.01, toString());
                    }
                }
            }
        }
    }
}
