package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

/// What sequences of a cache are known to share.
class KvCacheBeginningsTest {
    private static void shares(KvCache cache, int[] slots, int[] lengths) {
        assertArrayEquals(slots, cache.beginnings(slots.length).slots());
        assertArrayEquals(lengths, cache.beginnings(slots.length).lengths());
    }

    @Test
    void theEarlierSlotThatHasMostInCommon() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.qwen3());
                            var cache = new KvCache(decoder, 4, 8)) {
                        cache.append(0, new int[] {1, 2, 3}, ForwardRecord.NONE);
                        cache.append(1, new int[] {1, 9}, ForwardRecord.NONE);
                        cache.append(2, new int[] {1, 9, 3, 4}, ForwardRecord.NONE);
                        cache.append(3, new int[] {5}, ForwardRecord.NONE);
                        shares(cache, new int[] {0, 0, 1, 3}, new int[] {0, 1, 2, 0});
                        shares(cache, new int[] {0, 0}, new int[] {0, 1});
                    }
                });
    }

    @Test
    void changesWithWhatSlotsBeginWith() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.qwen3());
                            var cache = new KvCache(decoder, 2, 8)) {
                        cache.append(0, new int[] {1, 2, 3}, ForwardRecord.NONE);
                        cache.copy(0, 1, 3);
                        shares(cache, new int[] {0, 0}, new int[] {0, 3});
                        cache.append(0, new int[] {4}, ForwardRecord.NONE);
                        cache.append(1, new int[] {5}, ForwardRecord.NONE);
                        shares(cache, new int[] {0, 0}, new int[] {0, 3});
                        cache.truncate(0, 1);
                        shares(cache, new int[] {0, 0}, new int[] {0, 1});
                    }
                });
    }
}
