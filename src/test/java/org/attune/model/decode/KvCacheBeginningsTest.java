package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.model.layer.Adapter;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.stream.IntStream;

/// What sequences of a cache are known to share.
class KvCacheBeginningsTest {
    private static void shares(KvCache cache, int[] slots, int[] lengths) {
        int[] first = IntStream.range(0, slots.length).toArray();
        shares(cache, first, slots, lengths);
    }

    private static void shares(KvCache cache, int[] own, int[] slots, int[] lengths) {
        assertArrayEquals(own, cache.beginnings(own).own());
        assertArrayEquals(slots, cache.beginnings(own).slots());
        assertArrayEquals(lengths, cache.beginnings(own).lengths());
    }

    @Test
    void theEarlierSlotThatHasMostInCommon() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.qwen3());
                            var cache = new KvCache(decoder, 4, 8)) {
                        cache.append(0, new int[] {1, 2, 3}, Adapter.OFF, ForwardRecord.NONE);
                        cache.append(1, new int[] {1, 9}, Adapter.OFF, ForwardRecord.NONE);
                        cache.append(2, new int[] {1, 9, 3, 4}, Adapter.OFF, ForwardRecord.NONE);
                        cache.append(3, new int[] {5}, Adapter.OFF, ForwardRecord.NONE);
                        shares(cache, new int[] {0, 0, 1, 3}, new int[] {0, 1, 2, 0});
                        shares(cache, new int[] {0, 0}, new int[] {0, 1});
                        int[] some = {2, 0, 1};
                        shares(cache, some, new int[] {2, 2, 2}, new int[] {0, 1, 2});
                    }
                });
    }

    /// In which slots sequences stand changes no bit.
    @Test
    void allSlotsAreAlike() {
        int[] ids = {7, 8};
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(TinyModels.qwen3());
                            var cache = new KvCache(decoder, 6, 8)) {
                        var reader = new CachedDecoder(decoder, Adapter.OFF);
                        for (int slot : new int[] {0, 3}) {
                            reader.prefill(cache, slot, new int[] {1, 2, 3});
                            cache.copy(slot, slot == 0 ? 1 : 5, 2);
                        }
                        float[] first = reader.decode(cache, ids).toFloats();
                        float[] others = reader.decode(cache, new int[] {3, 5}, ids).toFloats();
                        assertArrayEquals(first, others);
                    }
                });
    }

    @Test
    void changesWithWhatSlotsBeginWith() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.qwen3());
                            var cache = new KvCache(decoder, 2, 8)) {
                        cache.append(0, new int[] {1, 2, 3}, Adapter.OFF, ForwardRecord.NONE);
                        cache.copy(0, 1, 3);
                        shares(cache, new int[] {0, 0}, new int[] {0, 3});
                        cache.append(0, new int[] {4}, Adapter.OFF, ForwardRecord.NONE);
                        cache.append(1, new int[] {5}, Adapter.OFF, ForwardRecord.NONE);
                        shares(cache, new int[] {0, 0}, new int[] {0, 3});
                        cache.truncate(0, 1);
                        shares(cache, new int[] {0, 0}, new int[] {0, 1});
                    }
                });
    }
}
