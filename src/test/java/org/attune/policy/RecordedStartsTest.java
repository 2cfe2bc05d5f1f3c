package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// What PEFT makes of a base at the start of PiSSA and OLoRA, and of a trained adapter when it
/// writes it as plain LoRA.
@Tag("fixtures-engine")
class RecordedStartsTest {
    @Test
    void everyStart() {
        Path adapters = Fixtures.fixture("engine/adapters");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (String start : List.of("init-pissa", "init-olora")) {
                Path folder = adapters.resolve(start);
                report.run(start, () -> Engine.run(() -> check(folder)));
            }
        }
    }

    private static Decoder base(Path folder, JsonNode json) {
        Path model = folder.resolve("../..").resolve(json.path("base").asText()).normalize();
        try (var file = SafeTensorsFile.open(model)) {
            return Decoder.load(DecoderConfig.read(model), file, Devices.usual(), DType.FLOAT32);
        }
    }

    private static void check(Path folder) {
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        String module = json.path("module").asText();
        LoraConfig config =
                LoraConfig.of(
                                json.path("r").asInt(),
                                json.path("lora_alpha").asDouble(),
                                0,
                                new ModuleSelection.Names(List.of(module)))
                        .with("test", Map.of("init_lora_weights", json.path("init").asText()));
        try (var _ = TensorScope.open("test");
                var decoder = base(folder, json);
                var policy =
                        Policy.withFreshAdapter(
                                decoder, config, TinyModels.random("a"), Outcome.DEFAULT);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            FlatParameters flat = policy.parameters();
            Tensor a = flat.value(flat.parameters().get(0));
            Tensor b = flat.value(flat.parameters().get(1));
            float[] product = b.mm(a).mul(json.path("scaling").asDouble()).toFloats();
            float[] base = expected.floats("base_weight");
            float[] residual = expected.floats("residual_weight");
            float[] taken = new float[base.length];
            for (int i = 0; i < base.length; i++) {
                taken[i] = base[i] - residual[i];
            }
            assertClose("taken from the base", taken, product, 1e-5, 0);
            flat.write(flat.parameters().get(0), expected.floats("trained_lora_A"));
            flat.write(flat.parameters().get(1), expected.floats("trained_lora_B"));
            flat.valuesChanged();
            int[] ids = expected.ints("input_ids");
            var layout = RecordedModelsTest.layout(ids, (int) expected.shape("input_ids")[1]);
            float[] wanted = expected.floats("trained_logits");
            float[] logits = Logits.of(decoder, layout, Adapter.TRAINED).toFloats();
            assertClose("trained", wanted, logits, 1e-4, 0);
            Path copy = Files.createTempDirectory(Path.of("target"), "adapter");
            policy.saveAdapter(copy, "base");
            try (var written = AdapterFolder.open(copy);
                    var again = base(folder, json);
                    var _ = Policy.withAdapter(again, written, Outcome.DEFAULT)) {
                float[] converted = Logits.of(again, layout, Adapter.TRAINED).toFloats();
                assertClose("written", expected.floats("converted_logits"), converted, 1e-4, 0);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
