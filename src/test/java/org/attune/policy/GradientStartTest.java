package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraOptions.LoraGa.Direction;
import org.attune.adapter.ModuleSelection;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// LoRA-GA gives the matrices of PEFT but for the signs of directions, which are nobody's choice;
/// `make_lora_ga.py` recorded them.
class GradientStartTest {
    private static final Path RECORDED = Fixtures.own("src/test/resources/recorded");

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen2-window", "gpt2", "qwen3"})
    void matricesAreThoseOfPeft(String name) {
        JsonNode json = Recorded.json(RECORDED.resolve("lora-ga/" + name + ".json"));
        Path model = RECORDED.resolve("models/" + json.path("model").asText());
        LoraConfig config = EvaStartTest.config(json, "lora_ga");
        // Both approximate where 4r is fewer than all directions.
        double tolerance = config.rank() < 8 ? 0.05 : 5e-3;
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
                                            RECORDED.resolve("lora-ga/" + name + ".safetensors"))) {
                        var start =
                                GradientStart.of(
                                        decoder,
                                        config,
                                        EvaStartTest.once(
                                                expected.ints("ids"), expected.shape("ids")),
                                        TinyModels.random("a"));
                        try (var policy =
                                AdapterStart.unwritten(decoder, config, Outcome.DEFAULT, false)) {
                            start.begin(policy);
                            FlatParameters flat = policy.parameters();
                            for (ParameterSpace.Parameter p : flat.parameters()) {
                                String own = p.name().replace("base_model.model.", "");
                                boolean isA = own.endsWith(".lora_A.weight");
                                compare(
                                        own,
                                        expected.floats(own),
                                        flat.value(p).toFloats(),
                                        (int) p.shape()[1],
                                        isA,
                                        tolerance);
                            }
                            assertClose(
                                    "a fresh adapter is the model",
                                    Outcome.logProbs(policy.adapterOff(), forest(policy)),
                                    Outcome.logProbs(policy, forest(policy)),
                                    1e-4,
                                    0);
                        }
                    }
                });
    }

    private static TokenForest forest(Policy policy) {
        return Adapted.piece(policy.decoder().config(), 7).forest();
    }

    /// Gives rows of A and columns of B the signs that they are recorded with.
    private static void compare(
            String name,
            float[] expected,
            float[] values,
            int width,
            boolean isA,
            double tolerance) {
        float[] signed = values.clone();
        int count = isA ? values.length / width : width;
        double largest = 0;
        for (int k = 0; k < count; k++) {
            double dot = 0;
            for (int i = 0; i < values.length; i++) {
                boolean own = (isA ? i / width : i % width) == k;
                dot += own ? (double) values[i] * expected[i] : 0;
                largest = Math.max(largest, Math.abs(expected[i]));
            }
            for (int i = 0; i < values.length; i++) {
                boolean own = (isA ? i / width : i % width) == k;
                signed[i] = own && dot < 0 ? -values[i] : signed[i];
            }
        }
        assertClose(name, expected, signed, tolerance * largest, 0);
    }

    @Test
    void directionsAreDealt() {
        int[] drawn = Direction.RANDOM.left(3, TinyModels.random("x"));
        assertEquals(3, Arrays.stream(drawn).distinct().filter(k -> k >= 0 && k < 6).count());
        assertEquals(Arrays.toString(drawn), Arrays.toString(Direction.RANDOM.right(3, drawn)));
        assertEquals("[0, 2, 4]", Arrays.toString(Direction.ARBR.left(3, null)));
        assertEquals("[1, 3, 5]", Arrays.toString(Direction.ARBR.right(3, new int[0])));
    }

    @Test
    void whatCannotBeIsRefused() {
        LoraConfig wide =
                LoraConfig.of(40, 8, 0, new ModuleSelection.AllLinear())
                        .with("x", Map.of("init_lora_weights", "lora_ga"));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(TinyModels.llama())) {
                        List<List<int[]>> batch = List.of(List.of(new int[] {1, 2, 3}));
                        var e =
                                assertThrows(
                                        ConfigException.class,
                                        () ->
                                                GradientStart.of(
                                                        decoder,
                                                        wide,
                                                        batch,
                                                        TinyModels.random("a")));
                        assertTrue(e.getMessage().contains("accepted with init_lora_weights"));
                        assertThrows(
                                ConfigException.class,
                                () ->
                                        Policy.withFreshAdapter(
                                                decoder,
                                                LoraConfig.of(
                                                                2,
                                                                8,
                                                                0,
                                                                new ModuleSelection.AllLinear())
                                                        .with(
                                                                "x",
                                                                Map.of(
                                                                        "init_lora_weights",
                                                                        "lora_ga")),
                                                TinyModels.random("a"),
                                                Outcome.DEFAULT));
                    }
                });
        for (Map<String, Object> bad :
                List.<Map<String, Object>>of(
                        Map.of("scale", "huge"), Map.of("stable_gamma", 0), Map.of("rho", 2))) {
            assertThrows(
                    AttuneException.class,
                    () ->
                            wide.with(
                                    "x",
                                    Map.of("init_lora_weights", "lora_ga", "lora_ga_config", bad)));
        }
    }
}
