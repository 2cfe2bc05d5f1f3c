package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class LoraConfigTest {
    private static final String Q0 = "model.layers.0.self_attn.q_proj";
    private static final String Q1 = "model.layers.1.self_attn.q_proj";
    private static final String Q10 = "model.layers.10.self_attn.q_proj";
    private static final String UP0 = "model.layers.0.mlp.up_proj";

    @TempDir Path folder;

    @Test
    void minimalFileHasPeftsDefaults() throws IOException {
        LoraConfig config = read("\"target_modules\":[\"q_proj\"]");
        assertEquals(8, config.rank());
        assertEquals(8, config.alpha());
        assertEquals(0, config.dropout());
        assertEquals(1, lora(config, Q0).scaling());
        assertEquals(LoraInitialisation.KAIMING, config.initialisation());
    }

    @Test
    void namesMatchWholePathsAndSuffixesAfterADot() throws IOException {
        LoraConfig config = read("\"target_modules\":[\"q_proj\",\"model.layers.0.mlp.up_proj\"]");
        assertTrue(config.match(Q0).isPresent());
        assertTrue(config.match(UP0).isPresent());
        assertFalse(config.match("model.layers.1.mlp.up_proj").isPresent());
        assertFalse(config.match("model.layers.0.self_attn.xq_proj").isPresent());
    }

    @Test
    void stringsAreRegularExpressionsOfTheWholePath() throws IOException {
        LoraConfig config = read("\"target_modules\":\".*layers\\\\.1\\\\..*(?P<kind>q|k)_proj\"");
        assertTrue(config.match(Q1).isPresent());
        assertFalse(config.match(Q10).isPresent());
        assertFalse(config.match(Q1 + ".inner").isPresent());
    }

    @Test
    void allLinearLeavesTheOutputLayer() throws IOException {
        LoraConfig config = read("\"target_modules\":\"all-linear\"");
        List<String> paths = List.of(Q0, UP0, "lm_head");
        assertEquals(
                List.of(Q0, UP0),
                config.matchAll(paths).stream().map(AdapterTarget::path).toList());
    }

    @Test
    void allLinearLeavesExpertsAndTheirRouters() throws IOException {
        LoraConfig config = read("\"target_modules\":\"all-linear\"");
        String shared = "model.layers.0.mlp.shared_expert.gate_proj";
        List<String> paths =
                List.of(
                        Q0,
                        "model.layers.0.mlp.gate",
                        "model.layers.0.mlp.experts.3.gate_proj",
                        "model.layers.1.block_sparse_moe.experts.0.w1",
                        shared);
        assertEquals(
                List.of(Q0, shared),
                config.matchAll(paths).stream().map(AdapterTarget::path).toList());
    }

    /// What PEFT loads reaches the same modules: last names where they mean nothing else.
    @Test
    void allLinearIsWrittenByLastNamesWhereTheyAreExact() throws IOException {
        List<String> modules = List.of(Q0, Q1, UP0, "model.layers.0.mlp", "lm_head");
        LoraConfig config = read("\"target_modules\":\"all-linear\"");
        assertEquals(List.of("q_proj", "up_proj"), written(config, List.of(Q0, Q1, UP0), modules));
        // only one of two has an adapter
        assertEquals(List.of(Q0, UP0), written(config, List.of(Q0, UP0), modules));
        // last names would be limited to the layer
        LoraConfig layer = read("\"target_modules\":\"all-linear\",\"layers_to_transform\":[1]");
        assertEquals(List.of(Q0, Q1), written(layer, List.of(Q0, Q1), List.of(Q0, Q1)));
        LoraConfig excluded =
                read(
                        "\"target_modules\":\"all-linear\","
                                + "\"exclude_modules\":[\"layers.1.self_attn.q_proj\"]");
        assertEquals(List.of("q_proj", "up_proj"), written(excluded, List.of(Q0, UP0), modules));
    }

    private static List<String> written(
            LoraConfig config, List<String> paths, List<String> modules) {
        return ((ModuleSelection.Names) config.withTargetsResolved(paths, modules).targets())
                .names();
    }

    @Test
    void exclusionsWinOverTargets() throws IOException {
        LoraConfig config =
                read(
                        "\"target_modules\":[\"q_proj\"],"
                                + "\"exclude_modules\":[\"layers.1.self_attn.q_proj\"]");
        assertTrue(config.match(Q0).isPresent());
        assertFalse(config.match(Q1).isPresent());
    }

    @Test
    void savedModulesGetNoAdapter() throws IOException {
        LoraConfig config =
                read(
                        "\"target_modules\":[\"q_proj\",\"lm_head\"],"
                                + "\"modules_to_save\":[\"lm_head\",\"norm\"]");
        assertFalse(config.match("lm_head").isPresent());
        assertTrue(config.savesWhole("lm_head", false));
        // PEFT compares ends of paths as text, so "norm" means the layer norms too.
        assertTrue(config.savesWhole("model.layers.0.post_attention_layernorm", false));
        assertFalse(config.savesWhole(Q0, false));
    }

    @Test
    void layersLimitSuffixesOnly() throws IOException {
        LoraConfig config =
                read("\"target_modules\":[\"q_proj\",\"" + UP0 + "\"],\"layers_to_transform\":[1]");
        assertFalse(config.match(Q0).isPresent());
        assertTrue(config.match(Q1).isPresent());
        assertFalse(config.match(Q10).isPresent());
        assertTrue(config.match(UP0).isPresent());
        LoraConfig other =
                read(
                        "\"target_modules\":[\"q_proj\"],\"layers_to_transform\":1,"
                                + "\"layers_pattern\":\"h\"");
        assertFalse(other.match(Q1).isPresent());
        assertTrue(other.match("transformer.h.1.attn.q_proj").isPresent());
    }

    @Test
    void patternsSetRankAndAlphaBeforeScaling() throws IOException {
        LoraConfig config =
                read(
                        "\"target_modules\":[\"q_proj\",\"up_proj\"],\"r\":4,\"lora_alpha\":6,"
                                + "\"rank_pattern\":{\"layers.1.self_attn.q_proj\":2},"
                                + "\"alpha_pattern\":{\"up_proj\":5}");
        assertEquals(new LoraTarget(Q0, 4, 6, 1.5, 0, false), config.match(Q0).orElseThrow());
        assertEquals(new LoraTarget(Q1, 2, 6, 3, 0, false), config.match(Q1).orElseThrow());
        assertEquals(new LoraTarget(UP0, 4, 5, 1.25, 0, false), config.match(UP0).orElseThrow());
    }

    @Test
    void rankStabilisedScalingUsesTheRoot() throws IOException {
        LoraConfig config =
                read(
                        "\"target_modules\":[\"q_proj\"],\"r\":16,\"lora_alpha\":8,"
                                + "\"use_rslora\":true");
        assertEquals(2, lora(config, Q0).scaling()); // 8 / √16
    }

    @Test
    void whatIsWrittenReadsBackEqual() throws IOException {
        LoraConfig config =
                read(
                        "\"target_modules\":[\"q_proj\",\"up_proj\"],\"r\":4,\"lora_alpha\":6.5,"
                            + "\"lora_dropout\":0.1,"
                            + "\"rank_pattern\":{\"up_proj\":2},\"alpha_pattern\":{\"q_proj\":5},"
                            + "\"modules_to_save\":[\"lm_head\"],"
                            + "\"exclude_modules\":\".*9.*\",\"layers_to_transform\":[0,1],"
                            + "\"use_rslora\":true,\"use_dora\":true,\"init_lora_weights\":\"gaussian\","
                            + "\"bias\":\"lora_only\",\"trainable_token_indices\":{\"lm_head\":[3]},"
                            + "\"unknown_of_a_newer_version\":{\"a\":1}");
        Files.writeString(folder.resolve("adapter_config.json"), config.toJson());
        assertEquals(config, AdapterConfig.read(folder));
        String json = LoraConfig.of(8, 16, 0, new ModuleSelection.AllLinear()).toJson();
        assertTrue(json.contains("\n  \"lora_alpha\": 16,\n"), json);
        assertTrue(json.indexOf("\"bias\"") < json.indexOf("\"inference_mode\": true"), json);
    }

    @Test
    void featuresThatChangeNumbersAreRefusedByName() {
        refuses("layer_replication has [2, 1]; accepted: pairs", "\"layer_replication\":[[2,1]]");
        refuses("\"layer_replication\" is [[0,1.5]]", "\"layer_replication\":[[0,1.5]]");
        refuses("bias: \"all\"", "\"layer_replication\":[[0,2]],\"bias\":\"all\"");
        refuses(
                "target_parameters [a] beside lora_dropout: 0.1; accepted without it",
                "\"target_parameters\":[\"a\"],\"lora_dropout\":0.1");
        refuses("\"init_lora_weights\" is \"pissa\"", "\"init_lora_weights\":\"pissa\"");
        refuses("\"peft_type\" is \"POLY\"", "\"peft_type\":\"POLY\"");
        refuses("r is 0; accepted: integers ≥ 1", "\"r\":0");
        refuses("lora_dropout is 1.0", "\"lora_dropout\":1");
    }

    @Test
    void targetsThatExistNowhereAreNamed() throws IOException {
        LoraConfig config = read("\"target_modules\":[\"q_proj\",\"query\"]");
        var error = assertThrows(ConfigException.class, () -> config.matchAll(List.of(Q0, UP0)));
        assertTrue(error.getMessage().contains("\"query\" is no linear module"));
        assertTrue(error.getMessage().contains("[q_proj, up_proj]"));
        LoraConfig none = read("\"target_modules\":\"nothing\"");
        assertThrows(ConfigException.class, () -> none.matchAll(List.of(Q0)));
        assertThrows(ConfigException.class, () -> LoraConfig.of(8, 16, 0, ModuleSelection.of("(")));
    }

    /// Twelve seconds and more, each.
    @Test
    void expressionsWithoutEndAreGivenUpByKey() throws IOException {
        String evil = "(=?)(.|..)+=\\\\1"; // the reference keeps Java from remembering dead ends
        givesUp("target_modules: the regular expression", "\"target_modules\":\"" + evil + "\"");
        givesUp("exclude_modules: ", "\"exclude_modules\":\"" + evil + "\"");
        givesUp("rank_pattern: ", "\"rank_pattern\":{\"" + evil + "\":4}");
        givesUp("alpha_pattern: ", "\"alpha_pattern\":{\"" + evil + "\":4}");
        givesUp("modules_to_save: ", "\"modules_to_save\":[\"" + evil + "\"]");
        givesUp(
                "layers_pattern: ",
                "\"layers_to_transform\":[0],\"layers_pattern\":[\"" + evil + "\"]");
        LoraConfig usual = read("\"target_modules\":\"(?!.*layers\\\\.0).*\\\\.(q|k)_proj\"");
        assertTrue(usual.match(Q1).isPresent());
        assertFalse(usual.match(Q0).isPresent());
    }

    @Test
    void expressionsThatCannotBeCompiledAreNamed() {
        String deep = "(".repeat(9000) + ")".repeat(9000);
        refuses("target_modules: \"((((", "\"target_modules\":\"" + deep + "\"");
        refuses("more than 20000 characters", "\"target_modules\":\"" + "a".repeat(20_001) + "\"");
        refuses("may be empty", "\"target_modules\":\"" + "(.*)*".repeat(30) + "\"");
        refuses("may be empty", "\"target_modules\":\"" + "(|)".repeat(30) + "x\"");
        refuses("may be empty", "\"target_modules\":\"((a?)|b?){50}x\"");
        refuses("rank_pattern: \"(\" is no regular", "\"rank_pattern\":{\"(\":4}");
    }

    @Test
    void layersOfManyDigitsAreNone() throws IOException {
        LoraConfig config = read("\"layers_to_transform\":[1]");
        assertFalse(config.match("model.layers.99999999999999999999.q_proj").isPresent());
        assertTrue(config.match(Q1).isPresent());
    }

    private void givesUp(String message, String fields) throws IOException {
        LoraConfig config = read(fields);
        var error = assertThrows(ConfigException.class, () -> config.match(Q0));
        assertTrue(error.getMessage().startsWith(message), error.getMessage());
        assertTrue(error.getMessage().contains("takes more than"), error.getMessage());
    }

    private static LoraTarget lora(LoraConfig config, String path) {
        return (LoraTarget) config.match(path).orElseThrow();
    }

    private LoraConfig read(String fields) throws IOException {
        String type = fields.contains("peft_type") ? "" : "\"peft_type\":\"LORA\",";
        String targets =
                fields.contains("target_modules") ? "" : "\"target_modules\":[\"q_proj\"],";
        Files.writeString(
                folder.resolve("adapter_config.json"), "{" + type + targets + fields + "}");
        return (LoraConfig) AdapterConfig.read(folder);
    }

    private void refuses(String message, String fields) {
        AttuneException error = assertThrows(ModelException.class, () -> read(fields));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
