package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.formula.FormulaKind;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Stream;

/// `exclude_modules` leaves what sees out of adapters of every kind.
class ExcludedModulesTest {
    private static final String SEES = "model.vision_model.encoder.layers.0.self_attn.q_proj";
    private static final String SAYS = "model.text_model.layers.0.self_attn.q_proj";

    @TempDir Path folder;

    static Stream<String> kinds() {
        return Stream.concat(
                Stream.of("LORA", "IA3"), Arrays.stream(FormulaKind.values()).map(Enum::name));
    }

    private AdapterConfig read(String kind, String fields) throws IOException {
        Files.writeString(
                folder.resolve("adapter_config.json"),
                "{\"peft_type\":\"%s\",\"total_step\":10,%s}".formatted(kind, fields));
        return AdapterConfig.read(folder);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anEncoderThatIsExcludedGetsNoAdapter(String kind) throws IOException {
        for (String targets : List.of("\"all-linear\"", "[\"q_proj\"]", "\".*q_proj\"")) {
            AdapterConfig config =
                    read(
                            kind,
                            "\"target_modules\":%s,\"exclude_modules\":\".*vision_model.*\""
                                    .formatted(targets));
            assertTrue(config.match(SAYS).isPresent(), targets);
            assertFalse(config.match(SEES).isPresent(), targets);
            Files.writeString(folder.resolve("adapter_config.json"), config.toJson());
            assertFalse(AdapterConfig.read(folder).match(SEES).isPresent(), config.toJson());
        }
    }

    @Test
    void normsThatAreExcludedAreNotTrained() throws IOException {
        AdapterConfig config =
                read(
                        "LN_TUNING",
                        "\"target_modules\":[\"layernorm\"],\"exclude_modules\":\".*vision.*\"");
        assertTrue(config.savesWhole("model.text_model.layernorm", false));
        assertFalse(config.savesWhole("model.vision_model.layernorm", false));
    }

    /// As EVA writes it, with a rank for each module that has an adapter.
    @Test
    void ranksOfTheOthersChangeNothing() throws IOException {
        var config =
                (LoraConfig)
                        read(
                                "LORA",
                                "\"target_modules\":[\"q_proj\"],"
                                        + "\"exclude_modules\":\".*vision_model.*\"");
        LoraConfig ranked = config.withRanks(Map.of(SAYS, 4));
        assertTrue(ranked.match(SAYS).isPresent());
        assertFalse(ranked.match(SEES).isPresent());
    }

    /// Last names would reach what a part leaves out.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void combinedAdaptersReachNoMore(boolean excludes) throws IOException {
        var config =
                (LoraConfig)
                        read(
                                "LORA",
                                "\"r\":2,\"target_modules\":[\"q_proj\"]"
                                        + (excludes
                                                ? ",\"exclude_modules\":[\"vision_model.encoder"
                                                        + ".layers.0.self_attn.q_proj\"]"
                                                : ""));
        Path part = folder.resolve("part");
        String name = "base_model.model." + SAYS;
        AdapterFolder.write(
                part,
                config,
                List.of(
                        matrix(name + ".lora_A.weight", 2, 4),
                        matrix(name + ".lora_B.weight", 6, 2)));
        Engine.run(() -> combine(part, folder.resolve("whole")));
        AdapterConfig whole = AdapterConfig.read(folder.resolve("whole"));
        assertTrue(whole.match(SAYS).isPresent());
        assertEquals(!excludes, whole.match(SEES).isPresent());
    }

    private static void combine(Path part, Path whole) {
        var none = OptionalDouble.empty();
        var kind = AdapterCombination.Kind.LINEAR;
        try (var _ = TensorScope.open("test");
                AdapterFolder opened = AdapterFolder.open(part)) {
            new AdapterCombination(kind, List.of(1.0), OptionalInt.empty(), none, none, false, 1)
                    .write(List.of(opened), whole);
        }
    }

    private static Source matrix(String name, long rows, long columns) {
        long bytes = Float.BYTES * rows * columns;
        return new Source(
                name, DType.FLOAT32, new long[] {rows, columns}, arena -> arena.allocate(bytes));
    }
}
