package org.attune.model.decode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

/// Flash attention over a cache as it stands equals dense attention, for random lengths, slots in
/// any order, one or several new tokens of each, and windows.
class FlashCacheTest {
    private static void compare(UniformRandomProvider random, KvCache cache) {
        CacheCase c = CacheCase.of(random);
        int[] starts = c.starts();
        Tensor rows = cache.rows(1);
        rows.copyInPlace(CacheCase.halves(random, rows.size(0), rows.size(1)));
        Tensor q =
                CacheCase.halves(
                        random,
                        starts[starts.length - 1],
                        CacheCase.CONFIG.heads(),
                        CacheCase.CONFIG.headDim());
        int[] keys = new int[c.slots().length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = cache.firstRow(c.slots()[i]);
        }
        var entries = FlashAttention.Entries.inCache(CacheCase.GPU, starts, keys, c.used());
        float[] got =
                CacheCase.numbers(
                        FlashAttention.forward(
                                        q,
                                        cache.keyRows(1),
                                        cache.valueRows(1),
                                        entries,
                                        CacheCase.SCALE,
                                        c.window())
                                .out());
        c.assertDense(q, rows, got);
    }

    @Test
    void flashEqualsDenseAttention() {
        UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(11L);
        Engine.run(
                () -> {
                    try (var decoder =
                                    TinyModels.decoder(
                                            CacheCase.CONFIG, DType.BFLOAT16, CacheCase.GPU);
                            var cache = new KvCache(decoder, CacheCase.SLOTS, CacheCase.CAPACITY)) {
                        for (int i = 0; i < 40; i++) {
                            try (var _ = TensorScope.open("case")) {
                                compare(random, cache);
                            }
                        }
                    }
                });
    }
}
