package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Blocks that stand several times in a decoder, each with its own adapter.
class RepeatedLayersTest {
    private static final DecoderConfig CONFIG = TinyModels.qwen3();

    private static final List<List<Integer>> RANGES = List.of(List.of(1, 2), List.of(0, 2));

    /// Read from a run's file, whose numbers are long.
    private static LoraConfig lora(List<List<Integer>> ranges) {
        List<List<Long>> read =
                ranges.stream().map(r -> r.stream().map(Integer::longValue).toList()).toList();
        return Adapted.config(List.of("q_proj", "down_proj"), List.of(), false, 0)
                .with("test", Map.of("layer_replication", read, "init_lora_weights", false));
    }

    private static Decoder repeated(DecoderConfig config) {
        return Decoder.load(
                MixersConfig.repeated(config, RANGES),
                TinyModels.weights(config),
                Device.cpu(),
                DType.FLOAT32);
    }

    private static void with(Check check) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = repeated(CONFIG);
                            Policy policy =
                                    Adapted.policy(decoder, lora(RANGES), Outcome.DEFAULT)) {
                        check.of(policy);
                    }
                });
    }

    private interface Check {
        void of(Policy policy);
    }

    private static float[] logits(Decoder decoder, Adapter adapter, int... ids) {
        return RecordedAdaptersTest.logits(decoder, ids, ids.length, adapter).toFloats();
    }

    @Test
    void copiesComputeAsLayersOfTheirOwn() {
        int[] ids = TinyModels.tokens("text", CONFIG, 9);
        with(
                policy -> {
                    float[] adapted = logits(policy.decoder(), Adapter.TRAINED, ids);
                    try (Decoder merged = Adapted.merged(policy)) {
                        assertEquals(3, merged.config().layers());
                        assertClose("merged", adapted, logits(merged, Adapter.OFF, ids), 2e-5, 0);
                    }
                });
    }

    @Test
    void eachCopyHasTheWeightsOfItsOriginal() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder base = TinyModels.decoder(CONFIG);
                            Decoder decoder = repeated(CONFIG)) {
                        for (int layer = 0; layer < 3; layer++) {
                            int original = List.of(1, 0, 1).get(layer);
                            float[] expected = query(base, original);
                            assertClose("layer " + layer, expected, query(decoder, layer), 0, 0);
                        }
                    }
                });
    }

    private static float[] query(Decoder decoder, int layer) {
        return decoder.blocks().get(layer).linears().getFirst().weight(0).toFloats();
    }

    @Test
    void eachCopyHasItsOwnAdapterAndGradient() {
        with(
                policy -> {
                    Set<String> layers =
                            policy.parameters().parameters().stream()
                                    .map(p -> p.name().replaceAll("\\D*(\\d+).*", "$1"))
                                    .collect(Collectors.toSet());
                    assertEquals(Set.of("0", "1", "2"), layers);
                    Adapted.compareWithDifferences("copies", policy);
                });
    }

    @Test
    void theCacheHasRoomForEachCopy() {
        int[] ids = TinyModels.tokens("text", CONFIG, 7);
        with(
                policy -> {
                    float[] all = logits(policy.decoder(), Adapter.TRAINED, ids);
                    int width = all.length / ids.length;
                    try (var cache = new KvCache(policy.decoder(), 1, ids.length)) {
                        var reader = new CachedDecoder(policy.decoder(), Adapter.TRAINED);
                        reader.prefill(cache, 0, new int[] {ids[0]});
                        for (int i = 1; i < ids.length; i++) {
                            Tensor next = reader.decode(cache, new int[] {ids[i]});
                            float[] expected = Arrays.copyOfRange(all, i * width, (i + 1) * width);
                            assertClose("token " + i, expected, next.toFloats(), 2e-5, 0);
                        }
                    }
                });
    }

    @Test
    void whatIsWrittenIsReadAgain(@TempDir Path folder) {
        with(
                policy -> {
                    int[] ids = TinyModels.tokens("text", CONFIG, 5);
                    float[] expected = logits(policy.decoder(), Adapter.TRAINED, ids);
                    policy.saveAdapter(folder.resolve("adapter"), "base");
                    try (var adapter = AdapterFolder.open(folder.resolve("adapter"));
                            Decoder other = repeated(CONFIG);
                            Policy again = Policy.withAdapter(other, adapter, Outcome.DEFAULT)) {
                        assertEquals(RANGES, adapter.config().replication());
                        assertClose("read", expected, logits(other, Adapter.TRAINED, ids), 1e-6, 0);
                        assertEquals(
                                lora(RANGES).replication(),
                                again.adapter().orElseThrow().replication());
                    }
                });
    }

    @Test
    void otherBlocksAreRefused() {
        DecoderConfig repeated = MixersConfig.repeated(CONFIG, RANGES);
        var e = assertThrows(ConfigException.class, () -> AdapterFit.require(CONFIG, lora(RANGES)));
        assertTrue(e.getMessage().contains("for blocks [1, 0, 1]"), e.getMessage());
        assertThrows(ConfigException.class, () -> AdapterFit.require(repeated, lora(List.of())));
        AdapterFit.require(repeated, lora(RANGES));
        refused("names layer 2; the model has 2", CONFIG, List.of(List.of(0, 3)));
        refused("layers of several kinds", TinyModels.everything(), RANGES);
    }

    private static void refused(String words, DecoderConfig config, List<List<Integer>> ranges) {
        var e = assertThrows(ModelException.class, () -> MixersConfig.repeated(config, ranges));
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }
}
