package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Configurations of IA³ adapters, as PEFT reads them.
class Ia3ConfigTest {
    private static final String K = "model.layers.0.self_attn.k_proj";
    private static final String DOWN = "model.layers.0.mlp.down_proj";

    @TempDir Path folder;

    @Test
    void feedForwardModulesHaveTheirInputScaled() throws IOException {
        AdapterConfig config =
                read(
                        "\"target_modules\":[\"k_proj\",\"down_proj\"],"
                                + "\"feedforward_modules\":[\"down_proj\"]");
        assertEquals(
                List.of(new Ia3Target(K, false), new Ia3Target(DOWN, true)),
                config.matchAll(List.of(K, DOWN, "lm_head")));
        assertEquals(Optional.empty(), config.match("model.layers.0.self_attn.q_proj"));
        AdapterConfig expression =
                read(
                        "\"target_modules\":\"all-linear\","
                                + "\"feedforward_modules\":\".*\\\\.mlp\\\\..*\"");
        assertEquals(
                List.of(new Ia3Target(K, false), new Ia3Target(DOWN, true)),
                expression.matchAll(List.of(K, DOWN)));
    }

    /// PEFT compares feed-forward names with ends of paths, so that a short one may mean too much.
    @Test
    void allLinearIsWrittenByLastNamesWhereTheyAreExact() throws IOException {
        var config =
                (Ia3Config)
                        read(
                                "\"target_modules\":\"all-linear\","
                                        + "\"feedforward_modules\":\".*\\\\.mlp\\\\..*\"");
        List<String> paths = List.of(K, DOWN);
        assertEquals(
                Ia3Config.of(names("k_proj", "down_proj"), names("down_proj")),
                config.withTargetsResolved(paths, paths));
        List<String> alike = List.of(K, DOWN, "model.layers.0.self_attn.xdown_proj");
        assertEquals(
                Ia3Config.of(new ModuleSelection.Names(alike), names(DOWN)),
                config.withTargetsResolved(alike, alike));
    }

    private static ModuleSelection names(String... names) {
        return new ModuleSelection.Names(List.of(names));
    }

    @Test
    void whatIsWrittenReadsBackEqual() throws IOException {
        AdapterConfig config =
                read(
                        "\"target_modules\":[\"k_proj\",\"down_proj\"],"
                                + "\"feedforward_modules\":[\"down_proj\"],"
                                + "\"exclude_modules\":\".*9.*\","
                                + "\"modules_to_save\":[\"lm_head\"],\"task_type\":\"SEQ_CLS\","
                                + "\"base_model_name_or_path\":\"base\"");
        Files.writeString(folder.resolve("adapter_config.json"), config.toJson());
        assertEquals(
                new Ia3Config(
                        new ModuleSelection.Names(List.of("down_proj", "k_proj")),
                        Optional.of(new ModuleSelection.Regex(".*9.*")),
                        new ModuleSelection.Names(List.of("down_proj")),
                        List.of("lm_head"),
                        "SEQ_CLS",
                        Optional.of("base")),
                AdapterConfig.read(folder));
    }

    /// PEFT refuses null.
    @Test
    void noFeedForwardModulesAreAnEmptyList() throws IOException {
        String json = read("\"target_modules\":[\"k_proj\"]").toJson();
        assertTrue(json.replace(" ", "").contains("\"feedforward_modules\":[]"), json);
    }

    @Test
    void feedForwardModulesMustBeTargets() {
        var error =
                assertThrows(
                        ModelException.class,
                        () ->
                                read(
                                        "\"target_modules\":[\"k_proj\"],"
                                                + "\"feedforward_modules\":[\"down_proj\"]"));
        assertTrue(error.getMessage().contains("adapter_config.json"), error.getMessage());
        assertTrue(
                error.getMessage().contains("feedforward_modules is [down_proj]"),
                error.getMessage());
    }

    private AdapterConfig read(String fields) throws IOException {
        Files.writeString(
                folder.resolve("adapter_config.json"), "{\"peft_type\":\"IA3\"," + fields + "}");
        return AdapterConfig.read(folder);
    }
}
