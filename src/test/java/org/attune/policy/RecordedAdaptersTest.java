package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.error.AttuneException;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.ModulePaths;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Adapters that PEFT wrote: logits, gradients, merged weights; and what we write back.
@Tag("fixtures-engine")
class RecordedAdaptersTest {
    @Test
    void everyAdapter() {
        Path adapters = Fixtures.fixture("engine/adapters");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            compareAll(adapters, report);
        }
    }

    /// @param adapters folders of adapters with what was recorded
    static void compareAll(Path adapters, CaseReport report) {
        for (Path folder : Recorded.folders(adapters)) {
            String name = folder.getFileName().toString();
            if (!supported(folder)) {
                report.unsupported(name);
                continue;
            }
            report.run(name, () -> Engine.run(() -> check(folder)));
        }
    }

    private static boolean supported(Path folder) {
        Path config = folder.resolve("adapter_config.json");
        if (!Files.exists(config)) {
            return false;
        }
        return Engine.call(
                () -> {
                    try (var decoder = base(folder);
                            var adapter = AdapterFolder.open(folder);
                            var _ = Policy.withAdapter(decoder, adapter, plain(false))) {
                        return true;
                    } catch (AttuneException e) {
                        return false;
                    }
                });
    }

    private static Policy.Options plain(boolean on) {
        return new Policy.Options(Recomputation.NONE, false, 0, on);
    }

    private static Decoder base(Path folder) {
        String base = Recorded.json(folder.resolve("expected.json")).path("base").asText();
        Path model = folder.resolve(base).normalize();
        if (!Files.exists(model)) {
            model = folder.resolve("../..").resolve(base).normalize();
        }
        try (var file = SafeTensorsFile.open(model)) {
            DecoderConfig config =
                    MixersConfig.repeated(
                            DecoderConfig.read(model), AdapterConfig.read(folder).replication());
            return Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
        }
    }

    private static void check(Path folder) {
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        try (var _ = TensorScope.open("test");
                var decoder = base(folder);
                var adapter = AdapterFolder.open(folder);
                var policy = Policy.withAdapter(decoder, adapter, plain(false));
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            int length = (int) expected.shape("input_ids")[1];
            int[] ids = expected.ints("input_ids");
            TokenForest forest = RecordedModelsTest.rows(ids, length);
            float[] logits = logits(decoder, ids, length, Adapter.TRAINED).toFloats();
            boolean converted = expected.names().contains("converted_logits");
            // A bfloat16 base was computed with in bfloat16 there, in float32 here.
            boolean half = expected.names().contains("logits_float32");
            String wanted = converted ? "converted_logits" : half ? "logits_float32" : "logits";
            assertClose("logits", expected.floats(wanted), logits, 1e-4, 0);
            policy.frozenAdapter();
            float[] frozen = logits(decoder, ids, length, Adapter.frozen(0)).toFloats();
            assertClose("logits of the frozen copy", logits, frozen, 1e-5, 0);
            for (boolean plain : new boolean[] {false, true}) {
                if (converted || half) {
                    break; // the recorded gradients belong to another state or arithmetic
                }
                policy.setOptions(plain(plain));
                gradients(policy, adapter.config(), forest, expected, json);
            }
            if (adapter.config().virtualTokens().isPresent()) {
                assertThrows(ModelException.class, () -> policy.weights(DType.FLOAT32));
            } else if (!half) {
                merged(policy, expected);
            }
            writtenBack(policy, folder);
        }
    }

    /// Logits of all rows; those of virtual tokens before each sequence, but not of a prefix.
    ///
    /// @return `(rows, V)`
    static Tensor logits(Decoder decoder, int[] ids, int length, Adapter adapter) {
        TokenForest forest = RecordedModelsTest.rows(ids, length).whole();
        TokenForest rows = FrozenPass.rows(decoder, adapter, forest, true);
        Tensor logits = Logits.of(decoder, Policy.layout(rows), adapter);
        int sequences = ids.length / length;
        int behind = PromptTable.isPrefix(decoder, adapter) ? rows.size() / sequences - length : 0;
        long vocabulary = logits.size(1);
        long each = rows.size() / sequences - (long) behind;
        return logits.reshape(sequences, rows.size() / sequences, vocabulary)
                .narrow(1, behind, each)
                .reshape(sequences * each, vocabulary)
                .contiguous();
    }

    private static void gradients(
            Policy policy,
            AdapterConfig config,
            TokenForest forest,
            Recorded expected,
            JsonNode json) {
        policy.parameters().gradients().zeroInPlace();
        try (var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] logProbs = evaluation.measurement().tokenLogProbs();
            float[] weights = new float[logProbs.length];
            Arrays.fill(weights, -1f / logProbs.length);
            double loss = 0;
            for (float l : logProbs) {
                loss -= l / logProbs.length;
            }
            assertClose("loss", json.path("loss").asDouble(), loss, 1e-5, 0);
            evaluation.backward(weights);
        }
        Map<String, ParameterSpace.Parameter> byName = new HashMap<>();
        policy.parameters().parameters().forEach(p -> byName.put(p.name(), p));
        for (String name : expected.names()) {
            if (name.startsWith("grad.")) {
                // One tensor trained as embedding and output layer has two names.
                var p =
                        byName.getOrDefault(
                                name.substring(5),
                                byName.get("base_model.model.model.embed_tokens.weight"));
                float[] g =
                        p == null
                                ? ofExperts(policy, config, name.substring(5))
                                : policy.parameters().gradient(p).toFloats();
                assertClose(name, expected.floats(name), g, 1e-5, 3e-5);
            }
        }
    }

    /// The gradient of a tensor that holds all experts' matrices.
    private static float[] ofExperts(Policy policy, AdapterConfig config, String name) {
        List<SafeTensorsWriter.Source> single = new ArrayList<>();
        for (var p : policy.parameters().parameters()) {
            single.add(
                    TensorBytes.source(
                            p.name(),
                            DType.FLOAT32,
                            p.shape(),
                            () -> policy.parameters().gradient(p)));
        }
        var joined = new ExpertTensors(policy.decoder().config(), config).join(single);
        try (Arena arena = Arena.ofConfined()) {
            return joined.stream()
                    .filter(s -> s.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(name + " has no gradient"))
                    .data()
                    .apply(arena)
                    .toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /// What transformers has in memory of experts that files hold one by one.
    private static void mergedExperts(Policy policy, Recorded expected, Set<String> found) {
        Map<String, float[]> single = new HashMap<>();
        for (ModulePaths.ExpertParameter p :
                ModulePaths.ExpertParameter.of(policy.decoder().config())) {
            String name = "merged." + p.name();
            if (!expected.names().contains(name) || found.contains(name)) {
                continue;
            }
            if (single.isEmpty()) {
                for (var source : policy.weights(DType.FLOAT32)) {
                    try (Arena arena = Arena.ofConfined()) {
                        single.put(
                                source.name(),
                                source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT));
                    }
                }
            }
            float[] wanted = expected.floats(name);
            int at = 0;
            for (FusedLinear layer : p.layers(policy.decoder())) {
                for (FusedLinear.Part part : layer.parts()) {
                    float[] own = single.get(part.path() + ".weight");
                    float[] there = Arrays.copyOfRange(wanted, at, at + own.length);
                    assertClose(name + " " + part.path(), there, own, 1e-5, 0);
                    at += own.length;
                }
            }
            assertEquals(wanted.length, at);
            found.add(name);
        }
    }

    private static void merged(Policy policy, Recorded expected) {
        boolean tied = policy.mergedConfig(DType.FLOAT32).tieWordEmbeddings();
        var found = new HashSet<String>();
        for (var source : policy.weights(DType.FLOAT32)) {
            String name = "merged." + source.name();
            if (expected.names().contains(name)) {
                found.add(name);
                try (Arena arena = Arena.ofConfined()) {
                    float[] values = source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                    assertClose(name, expected.floats(name), values, 1e-5, 0);
                }
            }
        }
        mergedExperts(policy, expected, found);
        for (String name : expected.names()) {
            boolean written = found.contains(name) || tied && name.equals("merged.lm_head.weight");
            if (name.startsWith("merged.") && !written) {
                throw new AssertionError(name + " is not among the merged weights");
            }
        }
    }

    private static boolean transposes(Path folder) {
        return Recorded.json(folder.resolve("adapter_config.json"))
                .path("fan_in_fan_out")
                .asBoolean();
    }

    private static void writtenBack(Policy policy, Path folder) {
        try {
            Path copy = Files.createTempDirectory(Path.of("target"), "adapter");
            policy.saveAdapter(copy, "base");
            assertEquals(transposes(folder), transposes(copy));
            try (var before = SafeTensorsFile.open(folder.resolve("adapter_model.safetensors"));
                    var after = SafeTensorsFile.open(copy.resolve("adapter_model.safetensors"));
                    Arena arena = Arena.ofConfined()) {
                assertEquals(before.entries().keySet(), after.entries().keySet());
                for (String name : after.entries().keySet()) {
                    if (before.read(name, arena).mismatch(after.read(name, arena)) != -1) {
                        throw new AssertionError(name + " changed in writing");
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
