package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.error.ShapeException;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Attention over a cache by kernels, by their stand-ins, against the formula.
class CacheAttentionTest {
    private static final Device GPU = Devices.simulated();
    private static final int SLOTS = 3;

    /// @param capacity of a slot
    /// @param slots of the tokens; −1: none
    /// @param places of the tokens
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Case(
            VectorKernels.RotatedHeads heads, int capacity, int window, int[] slots, int[] places) {
        double[] dense(float[] x, float[] cache, int row, int head, int width) {
            int size = heads.headDim();
            double[] out = new double[size];
            int keyHead = head / (heads.queries() / heads.keys());
            int first = (slots[row] * heads.keys() + keyHead) * 2 * capacity;
            int begin = window > 0 ? Math.max(0, places[row] + 1 - window) : 0;
            double sum = 0;
            for (int place = begin; slots[row] >= 0 && place <= places[row]; place++) {
                double score = 0;
                for (int k = 0; k < size; k++) {
                    double key = cache[(first + place) * size + k];
                    score += x[row * width + head * size + k] * key;
                }
                double p = Math.exp(score);
                sum += p;
                for (int k = 0; k < size; k++) {
                    out[k] += p * cache[(first + capacity + place) * size + k];
                }
            }
            for (int k = 0; k < size; k++) {
                out[k] = sum == 0 ? 0 : out[k] / sum;
            }
            return out;
        }

        void check(UniformRandomProvider random) {
            int size = heads.headDim();
            int n = slots.length;
            int width = (heads.queries() + 2 * heads.keys()) * size;
            float[] queries = KernelChecks.numbers(random, n * width);
            float[] kept = KernelChecks.numbers(random, SLOTS * heads.keys() * 2 * capacity * size);
            Tensor x = Tensor.of(GPU, queries, n, width).to(DType.BFLOAT16);
            Tensor cache = Tensor.of(GPU, kept, kept.length / size, size).to(DType.BFLOAT16);
            Tensor out =
                    DeviceKernels.rows(GPU, DType.BFLOAT16, n, heads.queries() * (long) size + 5);
            var at = new DeviceKernels.CachePlaces(ints(slots), ints(places), null, null, null);
            Tensor memory =
                    Tensor.empty(GPU, DType.FLOAT32, CacheAttention.numbers(heads, n, capacity));
            new CacheAttention(heads, n, capacity, memory).attend(x, at, cache, window, out);
            float[] got = out.to(DType.FLOAT32).contiguous().toFloats();
            float[] rounded = x.to(DType.FLOAT32).toFloats();
            float[] cached = cache.to(DType.FLOAT32).toFloats();
            for (int row = 0; row < n; row++) {
                for (int head = 0; head < heads.queries(); head++) {
                    double[] expected = dense(rounded, cached, row, head, width);
                    for (int k = 0; k < size; k++) {
                        float number = got[row * (heads.queries() * size + 5) + head * size + k];
                        assertEquals(expected[k], number, 0.01, toString());
                    }
                }
            }
        }

        @Override
        public String toString() {
            return "%s over %d, window %d, slots %s at %s"
                    .formatted(
                            heads,
                            capacity,
                            window,
                            Arrays.toString(slots),
                            Arrays.toString(places));
        }
    }

    private static Tensor ints(int[] numbers) {
        MemorySegment memory = MemorySegment.ofArray(numbers);
        return Tensor.ofMemory(GPU, DType.INT32, memory, numbers.length);
    }

    private static VectorKernels.RotatedHeads heads(int queries, int keys, int size) {
        return new VectorKernels.RotatedHeads(queries, keys, size, size, 1);
    }

    @Test
    void equalsTheFormula() {
        Engine.run(
                () -> {
                    var random = KernelChecks.random();
                    for (int window : new int[] {0, 1, 150}) {
                        try (var _ = TensorScope.open("test")) {
                            new Case(heads(4, 2, 8), 11, window, ints(2, -1, 0), ints(10, 0, 3))
                                    .check(random);
                            new Case(heads(6, 1, 16), 300, window, ints(1, 0), ints(299, 5))
                                    .check(random);
                            new Case(heads(3, 3, 40), 257, window, ints(2), ints(255))
                                    .check(random);
                        }
                    }
                });
    }

    private static int[] ints(int first, int... more) {
        int[] all = new int[more.length + 1];
        all[0] = first;
        System.arraycopy(more, 0, all, 1, more.length);
        return all;
    }

    /// So that few sequences keep a GPU busy too.
    @Test
    void fewSequencesAreCutIntoParts() {
        var heads = heads(8, 2, 64);
        assertEquals(32L * 8 * 66, CacheAttention.numbers(heads, 1, 4096), "tiles of 128 keys");
        assertEquals(128L * 2 * 8 * 66, CacheAttention.numbers(heads, 128, 4096));
        assertEquals(4096L * 8 * 66, CacheAttention.numbers(heads, 4096, 4096), "one part each");
        assertTrue(CacheAttention.serves(GPU, DType.BFLOAT16, 256));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor few = Tensor.empty(GPU, DType.FLOAT32, 10);
                        var error =
                                assertThrows(
                                        ShapeException.class,
                                        () -> new CacheAttention(heads, 1, 128, few));
                        assertTrue(error.getMessage().contains("takes 528 numbers"));
                    }
                });
    }
}
