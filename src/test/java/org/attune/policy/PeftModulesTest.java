package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

class PeftModulesTest {
    private static final String ALL = "gate_proj,up_proj,down_proj";

    @TempDir Path folder;

    /// Layer 0 is dense, layer 1 has two experts and a shared one.
    private DecoderConfig model(String type) throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(
                file,
                """
                {"model_type": "%s", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24,
                 "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
                 "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 12,
                 "shared_expert_intermediate_size": 8, "decoder_sparse_step": 2}
                """
                        .formatted(type));
        return DecoderConfig.read(file);
    }

    private static LoraConfig lora(String names) {
        return LoraConfig.of(2, 4, 0, new ModuleSelection.Names(List.of(names.split(","))));
    }

    private void refused(String expected, LoraConfig config) throws IOException {
        DecoderConfig model = model("qwen3_moe");
        var e = assertThrows(ConfigException.class, () -> AdapterFit.require(model, config));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    @Test
    void expertsNamesMeanExpertsAlone() throws IOException {
        DecoderConfig model = model("qwen3_moe");
        assertDoesNotThrow(() -> AdapterFit.require(model, lora(ALL)));
        assertEquals(
                Set.of("mlp.down_proj", "mlp.gate_proj", "mlp.up_proj"),
                PeftModules.leftOut(model, lora(ALL)));
        assertEquals(Set.of(), PeftModules.leftOut(model, lora("q_proj")));
    }

    /// Routers are no linear modules in transformers 5: PEFT would ignore their adapters.
    @Test
    void allLinearModulesAreNoRouters() {
        var all = new ModuleSelection.AllLinear();
        for (String name :
                List.of(
                        "mlp.gate",
                        "mlp.router",
                        "feed_forward.router",
                        "block_sparse_moe.router.layer")) {
            assertFalse(all.contains("model.layers.0." + name), name);
        }
        for (String name : List.of("shared_mlp.input_linear", "altup.modality_router")) {
            assertTrue(all.contains("model.layers.0." + name), name);
        }
    }

    /// PEFT converts the names of families that came after Qwen2-MoE, and not its own.
    @Test
    void qwen2MoeNamesMeanWhatAreModules() throws IOException {
        assertEquals(
                Set.of(
                        "mlp.experts.*.down_proj",
                        "mlp.experts.*.gate_proj",
                        "mlp.experts.*.up_proj"),
                PeftModules.leftOut(model("qwen2_moe"), lora(ALL)));
    }

    @Test
    void whatPeftReadsOtherwiseIsRefused() throws IOException {
        refused("of experts it names [gate_proj]", lora("gate_proj,q_proj"));
        refused("use_rslora: true", read("\"use_rslora\": true"));
        refused("use_dora: true", read("\"use_dora\": true"));
        refused("lora_dropout: 0.5", read("\"lora_dropout\": 0.5"));
        refused("\"up_proj\"", read("\"rank_pattern\": {\"up_proj\": 3}"));
    }

    private LoraConfig read(String option) throws IOException {
        Path file = folder.resolve("adapter_config.json");
        Files.writeString(
                file,
                """
                {"peft_type": "LORA", "r": 2, "lora_alpha": 4, %s,
                 "target_modules": ["gate_proj", "up_proj", "down_proj"]}
                """
                        .formatted(option));
        return (LoraConfig) AdapterConfig.read(file);
    }
}
