package org.attune.model.decode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.StreamSupport;

/// Greedy ids with a cache of keys and values against transformers'.
@Tag("fixtures-engine")
final class CachedDecoderFixturesTest {
    @Test
    void everyModel() {
        Path models = Fixtures.fixture("engine/models");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            compareAll(models, report);
        }
    }

    /// @param models folders of models with what was recorded
    static void compareAll(Path models, CaseReport report) {
        for (Path folder : Recorded.folders(models)) {
            String name = folder.getFileName().toString();
            DecoderConfig config;
            try {
                config = DecoderConfig.read(folder);
            } catch (ModelException e) {
                report.unsupported(name);
                continue;
            }
            JsonNode greedy = Recorded.json(folder.resolve("expected.json")).path("greedy");
            report.run(name, () -> Engine.run(() -> check(folder, config, greedy)));
        }
    }

    /// Three sequences at once: the recorded one, its beginning at another place in the cache, and
    /// a longer one, so that lengths differ.
    private static void check(Path folder, DecoderConfig config, JsonNode greedy) {
        String key = greedy.has("prompt_ids") ? "prompt_ids" : "prompt";
        int[] prompt = ints(greedy.get(key));
        int[] expected = ints(greedy.get("ids"));
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var cache = new KvCache(decoder, 3, 2 * prompt.length + expected.length)) {
            var cached = new CachedDecoder(decoder, Adapter.OFF);
            int[] longer = Arrays.copyOf(prompt, 2 * prompt.length);
            System.arraycopy(prompt, 0, longer, prompt.length, prompt.length);
            int[] next = {
                argmax(cached.prefill(cache, 0, longer)),
                argmax(cached.prefill(cache, 1, prompt)),
                argmax(cached.prefill(cache, 2, Arrays.copyOf(prompt, 2)))
            };
            int[] ids = new int[expected.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = next[1];
                try (var _ = TensorScope.open("token")) {
                    long[] best = cached.decode(cache, next).argmax(Tensor.LAST).toLongs();
                    next = Arrays.stream(best).mapToInt(Math::toIntExact).toArray();
                }
            }
            assertArrayEquals(expected, ids);
        }
    }

    private static int argmax(Tensor logits) {
        return Math.toIntExact(logits.argmax(Tensor.LAST).toLongs()[0]);
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
