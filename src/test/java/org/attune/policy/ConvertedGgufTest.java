package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.source.ModelExport;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Files of llama.cpp's own converter compute what transformers computes with the model that they
/// were made of, are exported as that, and get adapters with that model's names. Made by
/// `src/test/recorded/make_gguf.py`.
class ConvertedGgufTest {
    private static final Path FOLDER = Fixtures.own("src/test/resources/recorded/gguf");

    /// A module of each file to adapt, and its name in transformers.
    private static final Map<String, String> MODULES =
            Map.ofEntries(
                    Map.entry("deepseek2", "model.layers.1.self_attn.kv_b_proj"),
                    Map.entry("gemma3", "model.layers.5.mlp.down_proj"),
                    Map.entry("gemma3n", "model.layers.3.per_layer_input_gate"),
                    Map.entry("gemma4", "model.layers.5.self_attn.q_proj"),
                    Map.entry("gemma4-experts", "model.layers.2.self_attn.k_proj"),
                    Map.entry("gptneox", "gpt_neox.layers.0.attention.query_key_value"),
                    Map.entry("kimi-linear", "model.layers.0.self_attn.g_b_proj"),
                    Map.entry("llama4", "model.layers.1.feed_forward.shared_expert.up_proj"),
                    Map.entry("mixtral", "model.layers.0.self_attn.q_proj"),
                    Map.entry("phi3", "model.layers.0.self_attn.qkv_proj"),
                    Map.entry("qwen35", "model.layers.0.linear_attn.in_proj_qkv"),
                    Map.entry("qwen3next", "model.layers.0.linear_attn.in_proj_qkvz"));

    @TempDir Path temp;

    @Test
    void filesComputeWhatTheirModelsDo() throws IOException {
        try (var report = new CaseReport("converted GGUF files", getClass()).requiring(12);
                Stream<Path> files = Files.list(FOLDER)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".gguf")).sorted().toList()) {
                String name = file.getFileName().toString().replace(".gguf", "");
                report.run(name, () -> Engine.run(() -> check(name, file)));
            }
        }
    }

    private void check(String name, Path file) {
        try (var _ = TensorScope.open("test");
                var source = ModelSource.open(file.toString());
                var decoder = load(source);
                var expected = Recorded.tensors(FOLDER.resolve(name + ".safetensors"))) {
            logits("logits", decoder, expected);
            Path target = temp.resolve(name);
            List<SafeTensorsWriter.Source> weights = Policy.weights(decoder, DType.FLOAT32);
            DecoderConfig config = source.config().withDtype(DType.FLOAT32);
            ModelExport.write(target, source, config, weights, ModelExport.DEFAULT_SHARD_BYTES);
            try (var folder = ModelSource.open(target.toString());
                    var again = load(folder)) {
                assertEquals(config, folder.config());
                logits("logits of the exported folder", again, expected);
            }
            adapter(name, decoder);
        }
    }

    private static Decoder load(ModelSource source) {
        return Decoder.load(source.config(), source.tensors(), Devices.usual(), DType.FLOAT32);
    }

    private static void logits(String what, Decoder decoder, Recorded expected) {
        int length = (int) expected.shape("input_ids")[1];
        var layout = RecordedModelsTest.layout(expected.ints("input_ids"), length);
        float[] logits = Logits.of(decoder, layout, Adapter.OFF).toFloats();
        assertClose(what, expected.floats("logits"), logits, 1e-4, 0);
    }

    private void adapter(String name, Decoder decoder) {
        String module = MODULES.get(name);
        String last = module.substring(module.lastIndexOf('.') + 1);
        var config = Adapted.config(List.of(last), List.of(), false, 0);
        try (Policy policy = Outcome.lora(decoder, config, Outcome.PLAIN)) {
            List<String> names =
                    policy.parameters().parameters().stream().map(p -> p.name()).toList();
            assertTrue(
                    names.stream().anyMatch(n -> n.contains(module + ".lora_A")),
                    () -> module + " not in " + names);
        }
    }
}
