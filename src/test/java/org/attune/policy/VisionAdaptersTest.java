package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Adapters of models of text and images against PEFT: which modules they reach, log-probabilities,
/// gradients, merging and files.
@Tag("fixtures-engine")
class VisionAdaptersTest {
    @Test
    void everyAdapterOfAModelThatSees(@TempDir Path temporary) {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(fixtures().resolve("adapters"))) {
                String name = folder.getFileName().toString();
                Path model = model(folder);
                boolean convolves = name.equals("qwen2_5_vl-vision-only-regex");
                if (!sees(model) || convolves) {
                    report.unsupported(name);
                    continue;
                }
                report.run(
                        name,
                        () -> Engine.run(() -> check(model, folder, temporary.resolve(name))));
            }
        }
    }

    private static Path fixtures() {
        return Fixtures.fixture("vision");
    }

    private static Path model(Path folder) {
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        return fixtures().resolve(json.path("base").asText());
    }

    private static boolean sees(Path model) {
        try {
            return DecoderConfig.read(model).vision().isPresent();
        } catch (ModelException e) {
            return false; // a family that isn't read
        }
    }

    private static void check(Path model, Path folder, Path written) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        DecoderConfig config = DecoderConfig.read(model);
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(model);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var inputs = Recorded.tensors(model.resolve("expected.safetensors"));
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"));
                var adapter = AdapterFolder.open(folder);
                var policy = Policy.withAdapter(decoder, adapter, options)) {
            VisionConfig vision = config.vision().orElseThrow();
            SeenPicture picture = VisionModelsTest.picture(model, inputs, vision);
            int[] ids = VisionModelsTest.one(inputs, config, picture);
            TokenForest forest = RecordedModelsTest.rows(ids, ids.length);
            int first = Math.max(0, SeenPicture.promptLength(ids) - 1); // predicts the answer
            float[] base = from(first, inputs);
            assertClose("off", base, log(policy.adapterOff(), forest, first), 1e-4, 0);
            float[] wanted = from(first, expected);
            assertClose("on", wanted, log(policy, forest, first), 1e-4, 0);
            assertClose("frozen", wanted, log(policy.frozenAdapter(), forest, first), 1e-4, 0);
            gradients(policy, forest, first, json, vision);
            policy.saveAdapter(written, "base");
            try (var own = SafeTensorsFile.open(written.resolve("adapter_model.safetensors"));
                    var theirs =
                            SafeTensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
                assertEquals(theirs.entries().keySet(), own.entries().keySet());
            }
        }
    }

    private static float[] from(int first, Recorded recorded) {
        return VisionModelsTest.from(first, recorded.floats("one.target_logprobs"));
    }

    private static float[] log(Scorer scorer, TokenForest forest, int first) {
        float[] all = scorer.measure(forest, HeadRequest.of()).tokenLogProbs();
        return VisionModelsTest.from(first, all);
    }

    /// Adapters of blocks behind the output that is read learn nothing.
    private static void gradients(
            Policy policy, TokenForest forest, int first, JsonNode json, VisionConfig vision) {
        Map<String, Double> norms = new HashMap<>();
        json.path("grad_l2")
                .properties()
                .forEach(
                        e -> {
                            String name = e.getKey().replace(".modules_to_save.", ".");
                            norms.put(name, e.getValue().asDouble());
                        });
        try (var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] weights = new float[evaluation.measurement().tokenLogProbs().length];
            Arrays.fill(weights, first, weights.length, -1f / (weights.length - first));
            evaluation.backward(weights);
            int learning = 0;
            for (var p : policy.parameters().parameters()) {
                double norm = Math.sqrt(policy.parameters().gradient(p).square().sum().item());
                double expected = norms.getOrDefault(p.name(), 0.0);
                assertClose("gradient of " + p.name(), expected, norm, 1e-5, 1e-4);
                learning += vision.isUnread(p.name().replace("base_model.model.", "")) ? 0 : 1;
            }
            assertEquals(norms.size(), learning);
        }
    }

    /// PEFT adapts every module that a written name ends, convolutions too.
    @Test
    void allLinearIsWrittenAsNamesOfWhatIsAdapted(@TempDir Path temporary) {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path model : Recorded.folders(fixtures().resolve("models"))) {
                String name = model.getFileName().toString();
                if (!sees(model)) {
                    report.unsupported(name);
                    continue;
                }
                report.run(
                        name, () -> Engine.run(() -> checkNames(model, temporary.resolve(name))));
            }
        }
    }

    private static void checkNames(Path model, Path written) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        var lora = LoraConfig.of(2, 4, 0, ModuleSelection.of("all-linear"));
        DecoderConfig config = DecoderConfig.read(model);
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(model);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var policy = Outcome.lora(decoder, lora, options)) {
            policy.saveAdapter(written, "base");
        }
        AdapterConfig read = AdapterConfig.read(written.resolve("adapter_config.json"));
        ModulePaths paths = ModulePaths.of(config);
        assertEquals(
                lora.matchAll(paths.linears().keySet()).size(),
                read.matchAll(paths.linears().keySet()).size());
        String convolution = config.vision().orElseThrow().patches();
        assertEquals(Optional.empty(), read.match(convolution), convolution);
    }

    @Test
    void targetsReachWhatTheyReachInPeft(@TempDir Path temporary) {
        JsonNode all = Recorded.json(fixtures().resolve("adapters/targets.json"));
        all.properties()
                .forEach(
                        family -> {
                            Path model = fixtures().resolve("models").resolve(family.getKey());
                            if (sees(model)) {
                                reach(family.getValue(), DecoderConfig.read(model), temporary);
                            }
                        });
    }

    private static void reach(JsonNode ways, DecoderConfig config, Path temporary) {
        ModulePaths paths = ModulePaths.of(config);
        String family = config.vision().orElseThrow().modelType();
        for (var e : ways.properties()) {
            JsonNode kinds = e.getValue().path("kinds");
            int convolutions = kinds.has(config.vision().orElseThrow().patches()) ? 1 : 0;
            int expected = e.getValue().path("modules").asInt() - convolutions; // 0: an error
            Path file = temporary.resolve("adapter_config.json");
            String name = family + ": " + e.getKey();
            assertEquals(expected, reached(e.getValue(), paths, file), name);
        }
    }

    private static int reached(JsonNode wanted, ModulePaths paths, Path file) {
        ObjectNode json = wanted.path("config").deepCopy();
        json.put("peft_type", "LORA").put("r", 2).put("lora_alpha", 4);
        try {
            Files.writeString(file, json.toString());
            return AdapterConfig.read(file).matchAll(paths.linears().keySet(), "").size();
        } catch (ConfigException e) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
