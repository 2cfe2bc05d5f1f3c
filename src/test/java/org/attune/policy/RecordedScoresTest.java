package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.AdapterFolder;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// Scores and gradients of sequence-classification models against transformers', and adapters on
/// them against PEFT's.
@Tag("fixtures-engine")
class RecordedScoresTest {
    @Test
    void everyModel() {
        Path models = Fixtures.fixture("engine/sequence-classification");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(models)) {
                report.run(
                        folder.getFileName().toString(),
                        () -> Engine.run(() -> check(models, folder)));
            }
        }
    }

    private static void check(Path models, Path folder) {
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        Path base =
                json.has("base") ? models.getParent().resolve(json.get("base").asText()) : folder;
        DecoderConfig config = DecoderConfig.read(base);
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(base);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            for (boolean plain : new boolean[] {false, true}) {
                var options = new Policy.Options(Recomputation.NONE, false, 0, plain);
                try (var policy = policy(decoder, folder, options)) {
                    scores(policy, json, expected);
                    gradients(policy, json, expected);
                    merged(policy, expected);
                    if (policy.adapter().isPresent()) {
                        writtenBack(policy, folder);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Policy policy(Decoder decoder, Path folder, Policy.Options options) {
        return Files.exists(folder.resolve("adapter_config.json"))
                ? Policy.withAdapter(decoder, AdapterFolder.open(folder), options)
                : Policy.withAllWeights(decoder, options);
    }

    /// The first `tokens` tokens of a row.
    private static int[] ids(Recorded expected, int row, int tokens) {
        int length = (int) expected.shape("input_ids")[1];
        return Arrays.copyOfRange(expected.ints("input_ids"), row * length, row * length + tokens);
    }

    private static void scores(Policy policy, JsonNode json, Recorded expected) {
        int labels = policy.decoder().config().labels();
        float[] scores = expected.floats("scores");
        int rows = (int) expected.shape("input_ids")[0];
        assertEquals(rows * labels, scores.length);
        boolean everyToken = expected.names().contains("token_scores");
        for (int row = 0; row < rows; row++) {
            int length = json.get("lengths").get(row).asInt();
            var builder = TokenForest.builder();
            int segment = TokenForest.ROOT;
            for (int id : ids(expected, row, length)) {
                int[] one = {id};
                segment =
                        segment == TokenForest.ROOT
                                ? builder.root(one)
                                : builder.child(segment, one);
                for (int label = 0; label < labels; label++) {
                    builder.score(segment, label);
                }
            }
            float[] got = policy.measure(builder.build(), HeadRequest.of()).tokenLogProbs();
            assertClose(
                    "scores of row " + row,
                    Arrays.copyOfRange(scores, row * labels, (row + 1) * labels),
                    Arrays.copyOfRange(got, got.length - labels, got.length),
                    1e-4,
                    0);
            if (everyToken) {
                int width = (int) expected.shape("token_scores")[1] * labels;
                float[] all = expected.floats("token_scores");
                assertClose(
                        "token scores of row " + row,
                        Arrays.copyOfRange(all, row * width, row * width + length * labels),
                        got,
                        1e-4,
                        0);
            }
        }
    }

    /// −log σ(score of row 0 − score of row 1), label 0, the two rows packed.
    private static void gradients(Policy policy, JsonNode json, Recorded expected) {
        policy.parameters().gradients().zeroInPlace();
        var builder = TokenForest.builder();
        for (int row = 0; row < 2; row++) {
            builder.score(
                    builder.root(ids(expected, row, json.get("lengths").get(row).asInt())), 0);
        }
        try (var e = policy.evaluate(builder.build(), HeadRequest.of())) {
            float[] r = e.measurement().tokenLogProbs();
            double d = (double) r[0] - r[1];
            double loss = Math.log1p(Math.exp(-d));
            assertClose("loss", json.get("pair_loss_rows_0_1").asDouble(), loss, 1e-5, 0);
            float slope = (float) (-1 / (1 + Math.exp(d)));
            e.backward(new float[] {slope, -slope});
        }
        Map<String, ParameterSpace.Parameter> byName = new HashMap<>();
        policy.parameters().parameters().forEach(p -> byName.put(p.name(), p));
        for (String name : expected.names()) {
            if (name.startsWith("grad.")) {
                var p = byName.get(name.substring(5));
                assertTrue(p != null, name + " is not among " + byName.keySet());
                float[] g = policy.parameters().gradient(p).toFloats();
                assertClose(name, expected.floats(name), g, 1e-5, 0);
            }
        }
    }

    private static void merged(Policy policy, Recorded expected) {
        Map<String, float[]> merged = new HashMap<>();
        for (var source : policy.weights(DType.FLOAT32)) {
            try (Arena arena = Arena.ofConfined()) {
                merged.put(
                        source.name(), source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        assertTrue(merged.containsKey("score.weight"), "score.weight is written");
        for (String name : expected.names()) {
            if (name.startsWith("merged.")) {
                assertClose(name, expected.floats(name), merged.get(name.substring(7)), 1e-5, 0);
            }
        }
    }

    private static void writtenBack(Policy policy, Path folder) throws IOException {
        Path copy = Files.createTempDirectory(Path.of("target"), "adapter");
        policy.saveAdapter(copy, "base");
        JsonNode before = Recorded.json(folder.resolve("adapter_config.json"));
        JsonNode after = Recorded.json(copy.resolve("adapter_config.json"));
        assertEquals(before.get("task_type"), after.get("task_type"));
        assertEquals(before.get("modules_to_save"), after.get("modules_to_save"));
        try (var first = SafeTensorsFile.open(folder.resolve("adapter_model.safetensors"));
                var second = SafeTensorsFile.open(copy.resolve("adapter_model.safetensors"));
                Arena arena = Arena.ofConfined()) {
            assertEquals(first.entries().keySet(), second.entries().keySet());
            for (String name : second.entries().keySet()) {
                assertEquals(-1, first.read(name, arena).mismatch(second.read(name, arena)), name);
            }
        }
    }
}
