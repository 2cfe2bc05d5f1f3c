package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.AdapterCombination;
import org.attune.adapter.AdapterCombination.Kind;
import org.attune.adapter.AdapterFolder;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Adapters that PEFT combined: we make the same ones of their parts, and read PEFT's.
@Tag("fixtures-engine")
class RecordedCombinationsTest {
    @TempDir Path made;

    @Test
    void everyCombination() {
        Path folder = Fixtures.fixture("engine/adapters/weighted");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            JsonNode json = Recorded.json(folder.resolve("expected.json"));
            for (var c : json.path("cases").properties()) {
                report.run(
                        c.getKey(),
                        () -> Engine.run(() -> check(folder, json, c.getKey(), c.getValue())));
            }
        }
    }

    private void check(Path folder, JsonNode json, String name, JsonNode asked) {
        compare(folder, json, name, folder.resolve(name));
        if (!asked.has("adapters")) {
            return;
        }
        List<AdapterFolder> parts = new ArrayList<>();
        asked.path("adapters")
                .forEach(a -> parts.add(AdapterFolder.open(folder.resolve(a.asText()))));
        List<Double> weights = new ArrayList<>();
        asked.path("weights").forEach(w -> weights.add(w.asDouble()));
        try (var _ = TensorScope.open("test")) {
            new AdapterCombination(
                            Kind.valueOf(
                                    asked.path("combination_type")
                                            .asText()
                                            .toUpperCase(Locale.ROOT)),
                            weights,
                            asked.has("svd_rank")
                                    ? OptionalInt.of(asked.path("svd_rank").asInt())
                                    : OptionalInt.empty(),
                            OptionalDouble.empty(),
                            asked.has("density")
                                    ? OptionalDouble.of(asked.path("density").asDouble())
                                    : OptionalDouble.empty(),
                            asked.path("majority_sign_method").asText().equals("frequency"),
                            1)
                    .write(parts, made.resolve(name));
        } finally {
            parts.forEach(AdapterFolder::close);
        }
        compare(folder, json, name, made.resolve(name));
    }

    private static void compare(Path folder, JsonNode json, String name, Path adapter) {
        Path model = folder.resolve("../..").resolve(json.path("base").asText()).normalize();
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(model);
                var decoder =
                        Decoder.load(
                                DecoderConfig.read(model), file, Devices.usual(), DType.FLOAT32);
                var own = AdapterFolder.open(adapter);
                var _ = Policy.withAdapter(decoder, own, Outcome.DEFAULT);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            int[] ids = expected.ints("input_ids");
            var layout = RecordedModelsTest.layout(ids, (int) expected.shape("input_ids")[1]);
            float[] logits = Logits.of(decoder, layout, Adapter.TRAINED).toFloats();
            assertClose("logits", expected.floats("logits." + name), logits, 1e-4, 0);
            if (json.path("cases").path(name).has("adapters")) {
                Tensor update = matrix(own, "B").mm(matrix(own, "A"));
                assertClose("update", expected.floats("delta." + name), update.toFloats(), 1e-5, 0);
            }
            assertEquals(8, own.tensors().entries().size());
        }
    }

    private static Tensor matrix(AdapterFolder folder, String letter) {
        String name = "base_model.model.model.layers.0.self_attn.q_proj.lora_" + letter + ".weight";
        var entry = folder.tensors().entries().get(name);
        try (Arena arena = Arena.ofConfined()) {
            return Tensor.ofMemory(
                    Device.cpu(), entry.dtype(), folder.tensors().read(name, arena), entry.shape());
        }
    }
}
