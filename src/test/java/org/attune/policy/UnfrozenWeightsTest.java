package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TensorAssert;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// Policies that train some of their weights.
class UnfrozenWeightsTest {
    private static final List<DecoderConfig> MODELS =
            List.of(
                    TinyModels.llama(),
                    TinyModels.tiedLlama(),
                    TinyModels.qwen2(),
                    TinyModels.qwen3(),
                    TinyModels.everything());

    /// Of the last block, of one layer among those that are computed together, of a bias, of norms,
    /// of the embedding, of the head.
    private static final List<String> CHOICES =
            List.of(
                    "model.layers.1.",
                    "model.layers.1.self_attn.(q_proj|o_proj).weight",
                    "model.layers.0.mlp.up_proj|model.layers.1.self_attn.k_proj.bias",
                    ".*norm.weight",
                    "model.embed_tokens",
                    "model.norm|lm_head");

    @TempDir Path folder;

    @Test
    void haveTheGradientsOfTrainingAll() {
        for (DecoderConfig config : MODELS) {
            for (Policy.Options options :
                    List.of(Outcome.DEFAULT, Outcome.PLAIN, Outcome.RECOMPUTE_FIRST)) {
                Map<String, float[]> all = gradients(config, options, _ -> true);
                for (String choice : CHOICES) {
                    Predicate<String> trains = starts(choice);
                    Map<String, float[]> some = gradients(config, options, trains);
                    String what = config.modelType() + " " + choice + " ";
                    assertEquals(all.keySet().stream().filter(trains).toList(), names(some), what);
                    some.forEach(
                            (name, gradient) ->
                                    TensorAssert.assertClose(
                                            what + name, all.get(name), gradient, 1e-6, 1e-6));
                }
            }
        }
    }

    @Test
    void writeTheWholeModel() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(TinyModels.qwen2(), DType.FLOAT32);
                            Decoder same = TinyModels.decoder(TinyModels.qwen2(), DType.FLOAT32);
                            Policy all = Policy.withAllWeights(same, Outcome.DEFAULT);
                            Policy some = some(decoder, "model.layers.0.mlp", false)) {
                        SafeTensorsWriter.write(folder.resolve("all"), all.weights(DType.BFLOAT16));
                        SafeTensorsWriter.write(
                                folder.resolve("some"), some.weights(DType.BFLOAT16));
                        try (var first = SafeTensorsFile.open(folder.resolve("all"));
                                var second = SafeTensorsFile.open(folder.resolve("some"))) {
                            Set<String> names = first.entries().keySet();
                            assertEquals(names, second.entries().keySet());
                            for (String name : names) {
                                MemorySegment own = second.read(name, Arena.ofAuto());
                                MemorySegment full = first.read(name, Arena.ofAuto());
                                assertEquals(-1, own.mismatch(full), name);
                            }
                        }
                    }
                });
    }

    @Test
    void backwardEndsAtTheFirstBlockThatLearns() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(TinyModels.llama(), DType.FLOAT32);
                            Policy policy = some(decoder, "model.layers.1", false)) {
                        assertEquals(1, decoder.firstLearning(policy.adapterInUse()));
                        long kept = kept(policy);
                        try (Decoder whole = TinyModels.decoder(TinyModels.llama(), DType.FLOAT32);
                                Policy all = Policy.withAllWeights(whole, Outcome.DEFAULT)) {
                            assertTrue(kept < 0.7 * kept(all), kept + " of " + kept(all));
                            assertTrue(
                                    StepMemory.of(policy).activations().layers()
                                            < StepMemory.of(all).activations().layers());
                        }
                    }
                });
    }

    @Test
    void gradientsInTurnLeaveOutWhatIsNotTrained() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(TinyModels.tiedLlama(), DType.FLOAT32);
                            Policy policy = some(decoder, "model.layers.1.mlp|model.embed", true)) {
                        var turns = new ArrayList<Integer>();
                        policy.parameters().whenComplete(turns::add);
                        try (Evaluation e =
                                policy.evaluate(forest(TinyModels.tiedLlama()), HeadRequest.of())) {
                            e.backward(new float[] {1, 1, 1});
                        }
                        assertEquals(2, policy.parameters().turns().size());
                        assertEquals(List.of(0, 1), turns);
                    }
                });
    }

    @Test
    void somethingMustBeTrained() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(TinyModels.llama(), DType.FLOAT32)) {
                        var e =
                                assertThrows(
                                        ConfigException.class,
                                        () -> some(decoder, "transformer.h", false));
                        assertTrue(e.getMessage().contains("such as model."), e.getMessage());
                    }
                });
    }

    private static Policy some(Decoder decoder, String choice, boolean inTurn) {
        return Policy.withWeights(decoder, starts(choice), Outcome.DEFAULT, inTurn);
    }

    private static Predicate<String> starts(String choice) {
        Pattern pattern = Pattern.compile(choice);
        return name -> pattern.matcher(name).lookingAt();
    }

    private static List<String> names(Map<String, float[]> gradients) {
        return List.copyOf(gradients.keySet());
    }

    /// Bytes that stay between forward and backward pass.
    private static long kept(Policy policy) {
        long before = TensorScope.liveBytes();
        try (Evaluation _ = policy.evaluate(forest(policy.decoder().config()), HeadRequest.of())) {
            return TensorScope.liveBytes() - before;
        }
    }

    private static TokenForest forest(DecoderConfig config) {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("a row", config, 40));
        builder.target(root, 3);
        builder.target(root, 20);
        builder.target(root, 38);
        return builder.build();
    }

    private static Map<String, float[]> gradients(
            DecoderConfig config, Policy.Options options, Predicate<String> trains) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, DType.FLOAT32);
                            Policy policy = Policy.withWeights(decoder, trains, options, false)) {
                        try (Evaluation e = policy.evaluate(forest(config), HeadRequest.of())) {
                            e.backward(new float[] {1, -0.5f, 2});
                        }
                        var found = new TreeMap<String, float[]>();
                        float[] flat = policy.parameters().gradients().toFloats();
                        for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
                            int from = Math.toIntExact(p.offset());
                            int to = from + Math.toIntExact(p.count());
                            found.put(p.name(), Arrays.copyOfRange(flat, from, to));
                        }
                        return found;
                    }
                });
    }
}
