package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraOptions;
import org.attune.adapter.ModuleSelection;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.json.Json;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/// EVA gives the ranks, alphas and matrices of PEFT; `make_eva.py` recorded them.
class EvaStartTest {
    private static final Path RECORDED = Fixtures.own("src/test/resources/recorded");

    static LoraConfig config(JsonNode json, String start) {
        JsonNode targets = json.path("target_modules");
        Map<String, Integer> asked = new TreeMap<>();
        json.path("asked_ranks")
                .properties()
                .forEach(e -> asked.put(e.getKey(), e.getValue().asInt()));
        return new LoraConfig(
                        json.path("r").asInt(),
                        json.path("lora_alpha").asDouble(),
                        0,
                        json.path("use_rslora").asBoolean(),
                        false,
                        targets.isArray()
                                ? new ModuleSelection.Names(
                                        targets.valueStream().map(JsonNode::asText).toList())
                                : new ModuleSelection.AllLinear(),
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        asked,
                        Map.of(),
                        List.of(),
                        false,
                        LoraInitialisation.KAIMING,
                        "CAUSAL_LM",
                        Optional.empty())
                .with(
                        "test",
                        Map.of(
                                "init_lora_weights",
                                start,
                                start + "_config",
                                Json.MAPPER.convertValue(json.path(start + "_config"), Map.class)));
    }

    static List<List<int[]>> once(int[] ids, long[] shape) {
        List<List<int[]>> all = new ArrayList<>();
        int at = 0;
        for (int b = 0; b < shape[0]; b++) {
            List<int[]> rows = new ArrayList<>();
            for (int r = 0; r < shape[1]; r++) {
                rows.add(Arrays.copyOfRange(ids, at, at += (int) shape[2]));
            }
            all.add(rows);
        }
        return all;
    }

    private static Iterator<List<int[]>> batches(int[] ids, long[] shape) {
        List<List<int[]>> all = once(ids, shape);
        return Stream.generate(() -> all).flatMap(List::stream).iterator();
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen2-window", "gpt2", "qwen3-small-rho"})
    void ranksAndMatricesAreThoseOfPeft(String name) {
        JsonNode json = Recorded.json(RECORDED.resolve("eva/" + name + ".json"));
        // PEFT approximates where twice the directions are fewer than features; its draw decides.
        double tolerance = name.equals("qwen3-small-rho") ? 0.03 : 2e-3;
        Path model = RECORDED.resolve("models/" + json.path("model").asText());
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var file = SafeTensorsFile.open(model);
                            var decoder =
                                    Decoder.load(
                                            DecoderConfig.read(model),
                                            file,
                                            Devices.usual(),
                                            DType.FLOAT32);
                            var expected =
                                    Recorded.tensors(
                                            RECORDED.resolve("eva/" + name + ".safetensors"))) {
                        EvaStart start =
                                EvaStart.of(
                                        decoder,
                                        config(json, "eva"),
                                        batches(expected.ints("ids"), expected.shape("ids")));
                        LoraConfig made = start.config();
                        assertEquals(
                                Json.MAPPER.convertValue(json.path("rank_pattern"), Map.class),
                                made.rankPattern());
                        json.path("alpha_pattern")
                                .properties()
                                .forEach(
                                        e ->
                                                assertEquals(
                                                        e.getValue().asDouble(),
                                                        made.alphaPattern().get(e.getKey()),
                                                        1e-9));
                        assertEquals(json.path("alpha_pattern").size(), made.alphaPattern().size());
                        try (var policy =
                                Policy.withFreshAdapter(
                                        decoder, made, TinyModels.random("a"), Outcome.DEFAULT)) {
                            start.begin(policy);
                            int compared = 0;
                            for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
                                float[] values = policy.parameters().value(p).toFloats();
                                if (p.name().endsWith(".lora_A.weight")) {
                                    String path =
                                            p.name()
                                                    .replace("base_model.model.", "")
                                                    .replace(".lora_A.weight", "");
                                    assertClose(path, expected.floats(path), values, tolerance, 0);
                                    compared++;
                                } else {
                                    assertClose(p.name(), new float[values.length], values, 0, 0);
                                }
                            }
                            assertTrue(compared > 3);
                        }
                    }
                });
    }

    /// By hand: inputs (±3, 0), (0, ±1) around a mean, in two batches of other means.
    @Test
    void directionsFollowTheSpread() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var found = new InputDirections(2, 3, 0.99)) {
                        found.add(rows(5, 3, 0, 5, -3, 0, 5, 0, 1, 5, 0, -1));
                        assertClose("spread", 0.9, found.ratio(0), 1e-6, 0); // 18 of 20
                        assertEquals(false, found.hasConverged(1));
                        found.add(rows(7, 3, 0, 7, -3, 0, 7, 0, 1, 7, 0, -1));
                        // Σ(x₁−6)² = 8, Σx₂² = 36, Σx₃² = 4
                        assertClose("spread", 36.0 / 48, found.ratio(0), 1e-6, 0);
                        assertClose("means", 8.0 / 48, found.ratio(1), 1e-6, 0);
                        assertTrue(found.hasConverged(1));
                        assertEquals(false, found.hasConverged(2)); // the third became the first
                        float[] expected = {0, 1, 0, 1, 0, 0};
                        assertClose("directions", expected, found.first(2, false), 1e-5, 0);
                        assertClose("whitened", 1 / Math.sqrt(6), found.first(1, true)[1], 1e-5, 0);
                        found.add(rows(1, 2, 3)); // fewer than directions
                        assertClose("spread", 36.0 / 48, found.ratio(0), 1e-6, 0);
                    }
                });
    }

    private static Tensor rows(float... values) {
        return Tensor.of(Device.cpu(), values, values.length / 3, 3);
    }

    @Test
    void whatCannotBeIsRefused() {
        LoraConfig plain = LoraConfig.of(40, 8, 0, new ModuleSelection.AllLinear());
        Map<String, Object> eva = Map.of("init_lora_weights", "eva");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(TinyModels.llama())) {
                        LoraConfig wide = plain.with("x", eva);
                        var e =
                                assertThrows(
                                        ConfigException.class,
                                        () ->
                                                EvaStart.of(
                                                        decoder,
                                                        wide,
                                                        batches(new int[0], new long[] {0, 0, 0})));
                        assertTrue(e.getMessage().contains("lower rho or lora_r"), e.getMessage());
                    }
                });
        assertRefused(
                "rho in [1", Map.of("init_lora_weights", "eva", "eva_config", Map.of("rho", 0.5)));
        assertRefused(
                "eva_config.rh", Map.of("init_lora_weights", "eva", "eva_config", Map.of("rh", 2)));
        assertRefused(
                "all tokens",
                Map.of("init_lora_weights", "eva", "eva_config", Map.of("use_label_mask", true)));
        assertEquals(LoraOptions.NONE, plain.with("x", eva).options());
    }

    private static void assertRefused(String part, Map<String, Object> fields) {
        LoraConfig plain = LoraConfig.of(4, 8, 0, new ModuleSelection.AllLinear());
        var e = assertThrows(AttuneException.class, () -> plain.with("x", fields));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}
