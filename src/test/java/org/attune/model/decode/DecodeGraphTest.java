package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.SystemProperty;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Decoding in graphs on the simulated GPU, beside the same launches one by one.
class DecodeGraphTest {
    private static final int SLOTS = 10;
    private static final int CAPACITY = 40;

    private static DecoderConfig sized(String type, AttentionConfig attention) {
        return TinyModels.sized(type, 32, 48, 31, 2, attention, false, true);
    }

    private static List<DecoderConfig> models() {
        List<Integer> everything = List.of(0, 0);
        return List.of(
                sized("llama", new AttentionConfig(4, 2, 8, false, false, false, everything)),
                sized("qwen2", new AttentionConfig(4, 1, 8, true, false, false, everything)),
                sized("qwen3", new AttentionConfig(6, 2, 16, false, false, true, everything)),
                sized("mistral", new AttentionConfig(4, 4, 8, false, false, false, List.of(4, 0))));
    }

    /// Numbers, and what was asked for.
    private record Result(float[] numbers, DeviceTraffic.Counts counts) {}

    /// Logits of batches that shrink, whose sequences change slots and begin anew.
    private static Result decoded(DecoderConfig config) {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(config, DType.BFLOAT16, CacheCase.GPU);
                            var cache = new KvCache(decoder, SLOTS, CAPACITY);
                            var _ = TensorScope.open("test")) {
                        var reader = new CachedDecoder(decoder, Adapter.OFF);
                        float[] numbers = {};
                        for (int slot = 0; slot < SLOTS; slot++) {
                            int[] prompt = TinyModels.tokens("prompt " + slot, config, 2 + slot);
                            reader.prefill(cache, slot, prompt);
                        }
                        DeviceTraffic.start();
                        for (int step = 0; step < 15; step++) {
                            int[] slots = IntStream.range(0, SLOTS - step / 3 * 2).toArray();
                            for (int i = 0; step % 2 == 1 && i < slots.length; i++) {
                                slots[i] = SLOTS - 1 - slots[i];
                            }
                            if (step == 5) {
                                cache.truncate(9, 1);
                                cache.copy(3, 8, 4);
                            }
                            int[] ids = TinyModels.tokens("step " + step, config, slots.length);
                            try (var _ = TensorScope.open("token")) {
                                float[] more = reader.decode(cache, slots, ids).toFloats();
                                int before = numbers.length;
                                numbers = Arrays.copyOf(numbers, before + more.length);
                                System.arraycopy(more, 0, numbers, before, more.length);
                            }
                        }
                        return new Result(numbers, DeviceTraffic.stop());
                    }
                });
    }

    @Tag("thorough")
    @Test
    void equalsTheSameLaunchesOneByOne() {
        for (DecoderConfig config : models()) {
            Result graphs = decoded(config);
            Result singly;
            try (var _ = SystemProperty.set("attune.gpu.graphs", "off")) {
                singly = decoded(config);
            }
            assertArrayEquals(singly.numbers(), graphs.numbers(), config.modelType());
            Map<String, Long> calls = graphs.counts().byOperator();
            assertFalse(singly.counts().byOperator().containsKey("cuGraphLaunch"));
            assertEquals(15 - 4, calls.get("cuGraphLaunch"), "of 16, 8, 4 and 2 rows");
            assertEquals(2 * 8, calls.get("attune_attend"), "four kinds, twice, of two blocks");
            assertEquals(15, graphs.counts().uploads());
        }
    }

    @Test
    void sequencesArePadded() {
        int[] padded =
                IntStream.of(1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 250)
                        .map(DecodeGraphs::padded)
                        .toArray();
        assertArrayEquals(new int[] {1, 2, 4, 4, 8, 8, 8, 16, 16, 24, 256}, padded);
    }

    private static List<NewTokens> one(int... slots) {
        return Arrays.stream(slots).mapToObj(s -> new NewTokens(s, new int[] {s + 1})).toList();
    }

    private interface Body {
        void run(Decoder decoder, KvCache cache);
    }

    private static void with(DecoderConfig config, DType dtype, Body body) {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(config, dtype, CacheCase.GPU);
                            var cache = new KvCache(decoder, SLOTS, CAPACITY);
                            var _ = TensorScope.open("test")) {
                        body.run(decoder, cache);
                    }
                });
    }

    @Test
    void paddingLeavesTheCacheAsItIs() {
        with(
                models().getFirst(),
                DType.BFLOAT16,
                (decoder, cache) -> {
                    float[] before = CacheCase.numbers(cache.rows(1));
                    var step = cache.graphs();
                    for (int i = 0; i < 3; i++) {
                        assertTrue(step.logits(decoder, Adapter.OFF, one(7, 2, 4)).isPresent());
                    }
                    float[] after = CacheCase.numbers(cache.rows(1));
                    int size = 8 * CAPACITY;
                    for (int part = 0; part < after.length / size; part++) { // keys, or values
                        int slot = part / 4;
                        boolean written = slot == 7 || slot == 2 || slot == 4;
                        int from = part * size + (written ? 8 : 0);
                        assertArrayEquals(
                                Arrays.copyOfRange(before, from, (part + 1) * size),
                                Arrays.copyOfRange(after, from, (part + 1) * size),
                                "slot " + slot);
                        assertEquals(written, after[part * size] != 0, "slot " + slot);
                    }
                });
    }

    @Test
    void closingFreesTheGraphs() {
        with(
                models().getFirst(),
                DType.BFLOAT16,
                (decoder, cache) -> {
                    long before = TensorScope.liveTensors();
                    long bytes = TensorScope.liveBytes();
                    try (var _ = TensorScope.open("tokens")) {
                        for (int i = 0; i < 3; i++) {
                            cache.graphs().logits(decoder, Adapter.OFF, one(0, 1));
                        }
                    }
                    assertTrue(TensorScope.liveTensors() > before + 100);
                    cache.graphs().close();
                    assertEquals(before, TensorScope.liveTensors());
                    assertEquals(bytes, TensorScope.liveBytes());
                });
    }

    @Test
    void othersComputeWhereSharingPays() {
        with(
                models().getFirst(),
                DType.BFLOAT16,
                (decoder, cache) -> {
                    for (int slot : new int[] {0, 1}) {
                        cache.append(slot, new int[] {1, 2, 3}, Adapter.OFF, ForwardRecord.NONE);
                    }
                    try (var always = new DecodeGraphs(cache, 1);
                            var never = new DecodeGraphs(cache, Long.MAX_VALUE)) {
                        assertTrue(always.logits(decoder, Adapter.OFF, one(0, 1)).isEmpty());
                        assertTrue(always.logits(decoder, Adapter.OFF, one(0, 2)).isPresent());
                        assertTrue(never.logits(decoder, Adapter.OFF, one(0, 1)).isPresent());
                    }
                });
    }

    @Test
    void obstaclesAreNamed() {
        with(
                models().getFirst(),
                DType.FLOAT32,
                (decoder, cache) -> {
                    String reason = DecodeStep.obstacle(decoder, Adapter.OFF).orElseThrow();
                    assertEquals("there are no kernels for it", reason);
                    assertTrue(cache.graphs().logits(decoder, Adapter.OFF, one(0)).isEmpty());
                });
    }
}
