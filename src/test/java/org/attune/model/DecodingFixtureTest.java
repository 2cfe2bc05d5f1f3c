package org.attune.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.ModelException;
import org.attune.files.SafeTensorsFile;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// Greedy ids with a cache of keys and values against transformers'.
@Tag("fixtures-engine")
class DecodingFixtureTest {
    @Test
    void everyModel() throws IOException {
        Path models = Fixtures.fixture("engine/models");
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> folders = Files.list(models)) {
            for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
                String name = folder.getFileName().toString();
                JsonNode greedy =
                        new ObjectMapper()
                                .readTree(folder.resolve("expected.json").toFile())
                                .path("greedy");
                try {
                    DecoderConfig config = DecoderConfig.read(folder);
                    report.run(name, () -> Engine.run(() -> check(folder, config, greedy)));
                } catch (ModelException e) {
                    report.unsupported(name);
                }
            }
        }
    }

    private static void check(Path folder, DecoderConfig config, JsonNode greedy) {
        int[] prompt =
                ints(greedy.has("prompt_ids") ? greedy.get("prompt_ids") : greedy.get("prompt"));
        int[] expected = ints(greedy.get("ids"));
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Device.cpu(), DType.FLOAT32);
                var decoding =
                        new Decoding(
                                decoder,
                                FusedLinear.Adapter.OFF,
                                prompt.length + expected.length)) {
            // In two pieces and with a detour, which must leave no trace.
            decoding.feed(prompt[0]);
            decoding.feed(prompt[0], prompt[1]);
            decoding.truncate(1);
            float[] logits = decoding.feed(java.util.Arrays.copyOfRange(prompt, 1, prompt.length));
            List<Integer> ids = new ArrayList<>();
            for (int i = 0; i < expected.length; i++) {
                ids.add(argmax(logits));
                logits = decoding.feed(ids.getLast());
            }
            assertArrayEquals(expected, ids.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    private static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
