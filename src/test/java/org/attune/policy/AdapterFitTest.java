package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What is known of adapters before weights are loaded.
class AdapterFitTest {
    @TempDir Path folder;

    @Test
    void modulesAreThoseOfTheLoadedModel() {
        for (DecoderConfig config :
                List.of(
                        TinyModels.llama(),
                        TinyModels.tiedLlama(),
                        TinyModels.qwen3(),
                        TinyModels.everything(),
                        TinyModels.llama().withLabels(1))) {
            Map<String, ModulePaths.Shape> linears = new LinkedHashMap<>();
            List<String> whole = new ArrayList<>();
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config)) {
                            decoder.linears()
                                    .forEach(
                                            l ->
                                                    l.parts()
                                                            .forEach(
                                                                    p ->
                                                                            linears.put(
                                                                                    p.path(),
                                                                                    new ModulePaths
                                                                                            .Shape(
                                                                                            p.out(),
                                                                                            l
                                                                                                    .in()))));
                            whole.add(decoder.embedding().module());
                            decoder.norms()
                                    .forEach(n -> whole.add(n.weights().getFirst().module()));
                            whole.add(decoder.output().weight().module());
                            if (!config.scores()) {
                                long[] head = decoder.output().weight().base().shape();
                                linears.put("lm_head", new ModulePaths.Shape(head[0], head[1]));
                            }
                        }
                    });
            ModulePaths paths = ModulePaths.of(config);
            assertEquals(linears, paths.linears());
            assertEquals(
                    whole.stream().distinct().sorted().toList(),
                    paths.whole().stream().sorted().toList());
        }
    }

    /// PEFT 0.21 says of such an expression that the module it matches is not supported.
    @Test
    void anExpressionNamesLinearModulesOnly() {
        DecoderConfig model = TinyModels.llama();
        AdapterFit.require(model, expression(".*self_attn.*_proj"));
        AdapterFit.require(model, expression(".*layers\\.1\\..*\\.(q_proj|down_proj)|lm_head"));
        String block = ".*self_attn.*\" matches model.layers.0.self_attn too";
        refuses("lora_target_modules", block, expression(".*self_attn.*"));
        String norm = "matches model.layers.0.input_layernorm too";
        refuses("lora_target_modules", norm, expression(".*(q_proj|layernorm)"));
        refuses("lora_target_modules", "\\.(o_proj)", expression(".*o_proj|model"));
    }

    private static LoraConfig expression(String text) {
        return LoraConfig.of(2, 4, 0, new ModuleSelection.Regex(text));
    }

    @Test
    void whatMeansNothingIsToldWithItsKey() {
        LoraConfig good = LoraConfig.of(2, 4, 0, new ModuleSelection.Names(List.of("q_proj")));
        AdapterFit.require(TinyModels.llama(), good);
        refuses(
                "lora_target_modules",
                "c_attn",
                LoraConfig.of(2, 4, 0, new ModuleSelection.Names(List.of("c_attn"))));
        refuses(
                "lora_target_modules",
                "query",
                LoraConfig.of(2, 4, 0, new ModuleSelection.Names(List.of("q_proj", "query"))));
        refuses(
                "lora_target_modules",
                "matches no linear module",
                LoraConfig.of(2, 4, 0, ModuleSelection.of(".*layers\\.[789]\\..*")));
        refuses("lora_modules_to_save", "\"wte\"", with(good, Map.of(), List.of("wte")));
        refuses("lora_modules_to_save", "mlp", with(good, Map.of(), List.of("mlp")));
        refuses("lora_rank_pattern", "\"v_proj\"", with(good, Map.of("v_proj", 8), List.of()));
        AdapterFit.require(
                TinyModels.llama(), with(good, Map.of("layers.0.*q_proj", 8), List.of("lm_head")));
    }

    private static LoraConfig with(LoraConfig c, Map<String, Integer> ranks, List<String> whole) {
        return new LoraConfig(
                c.rank(),
                c.alpha(),
                c.dropout(),
                c.rankStabilised(),
                false,
                c.targets(),
                c.excluded(),
                c.layers(),
                c.layersPattern(),
                ranks,
                Map.of(),
                whole,
                c.tiesSaved(),
                c.initialisation(),
                c.taskType(),
                Optional.empty());
    }

    private static void refuses(String key, String part, LoraConfig config) {
        ConfigException problem =
                assertThrows(
                        ConfigException.class,
                        () -> AdapterFit.require(TinyModels.llama(), config));
        assertEquals(Optional.of(key), problem.key());
        assertTrue(problem.getMessage().startsWith(key + ": "), problem.getMessage());
        assertTrue(problem.getMessage().contains(part), problem.getMessage());
    }

    @Test
    void anAdapterOfAnotherModelIsToldApart() {
        LoraConfig config = LoraConfig.of(2, 4, 0, ModuleSelection.of("all-linear"));
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.llama());
                            Policy policy = Outcome.lora(decoder, config, Outcome.DEFAULT)) {
                        policy.saveAdapter(folder, "base");
                    }
                });
        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
            AdapterFit.require(TinyModels.llama(), adapter);
            String wide = refusal(TinyModels.wideHeads(), adapter);
            assertTrue(wide.contains("lora_B") && wide.contains("32"), wide);
            DecoderConfig shallow =
                    TinyModels.sized(
                            "llama",
                            32,
                            44,
                            31,
                            1,
                            new org.attune.model.config.AttentionConfig(
                                    4, 2, 8, false, false, false, List.of(0)),
                            false,
                            false);
            String fewer = refusal(shallow, adapter);
            assertTrue(fewer.contains("model.layers.1."), fewer);
            assertTrue(fewer.contains("it has 1 layers"), fewer);
        }
    }

    private static String refusal(DecoderConfig config, AdapterFolder adapter) {
        return assertThrows(ModelException.class, () -> AdapterFit.require(config, adapter))
                .getMessage();
    }
}
