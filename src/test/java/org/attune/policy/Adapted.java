package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.images.ImagePipeline;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Adapters with LoRA on some modules and others trained whole, and the full model that one stands
/// for.
final class Adapted {
    private Adapted() {}

    /// Rank 3, scaling 2, both matrices random.
    static LoraConfig config(
            List<String> targets, List<String> whole, boolean ties, double dropout) {
        return new LoraConfig(
                3,
                6,
                dropout,
                false,
                false,
                new ModuleSelection.Names(targets),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                whole,
                ties,
                LoraInitialisation.RANDOM_BOTH,
                "CAUSAL_LM",
                Optional.empty());
    }

    /// DoRA on all linear layers.
    static LoraConfig dora(int rank, double alpha) {
        return new LoraConfig(
                rank,
                alpha,
                0,
                false,
                true,
                new ModuleSelection.AllLinear(),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.KAIMING,
                "CAUSAL_LM",
                Optional.empty());
    }

    /// A policy whose trained values are random, those trained whole too.
    static Policy policy(Decoder decoder, LoraConfig config, Policy.Options options) {
        Policy policy = Outcome.lora(decoder, config, options);
        shift(policy);
        return policy;
    }

    /// Lends a policy with a fresh adapter, in float32.
    static void fresh(DecoderConfig model, AdapterConfig config, Consumer<Policy> use) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model);
                            Policy policy = Outcome.lora(decoder, config, Outcome.DEFAULT)) {
                        use.accept(policy);
                    }
                });
    }

    /// Along a random direction the loss changes as the gradients say.
    static void compareWithDifferences(String what, Policy policy) {
        var piece = List.of(piece(policy.decoder().config(), 7));
        float[] gradients = Outcome.of(policy, piece).gradients();
        float[] direction = new float[gradients.length];
        var random = TinyModels.random("direction");
        double expected = 0;
        for (int i = 0; i < direction.length; i++) {
            direction[i] = random.nextBoolean() ? 1e-3f : -1e-3f;
            expected += 2 * direction[i] * gradients[i];
        }
        Tensor values = policy.parameters().values();
        Tensor step = Tensor.of(values.device(), direction, direction.length);
        values.addInPlace(step);
        policy.parameters().valuesChanged();
        double up = Outcome.of(policy, piece).loss();
        values.subInPlace(step.mul(2));
        policy.parameters().valuesChanged();
        double down = Outcome.of(policy, piece).loss();
        assertClose(what, expected, up - down, 2e-5, 0.02);
    }

    /// Changes all trained values a little, as a step does; the same in every call.
    static void shift(Policy policy) {
        try (var _ = TensorScope.open("shift")) {
            Tensor values = policy.parameters().values();
            var random = TinyModels.random("shift");
            float[] noise = new float[(int) values.size(0)];
            for (int i = 0; i < noise.length; i++) {
                noise[i] = random.nextFloat() / 4 - 0.125f;
            }
            values.addInPlace(Tensor.of(values.device(), noise, noise.length));
        }
        policy.parameters().valuesChanged();
    }

    /// A text with two continuations, and another. The first text has a picture where the model
    /// sees.
    static Tree.Piece piece(DecoderConfig config, int length) {
        var tree = new Tree();
        int[] words = TinyModels.tokens("prompt", config, 5);
        int prompt = tree.root(config.vision().map(v -> withPicture(v, words)).orElse(words));
        int a = tree.child(prompt, TinyModels.tokens("a", config, length));
        int b = tree.child(prompt, TinyModels.tokens("b", config, length + 3));
        int other = tree.root(TinyModels.tokens("other", config, 4));
        return tree.shared(prompt, a, b, other);
    }

    /// A text and a picture of two tiles behind it.
    private static int[] withPicture(VisionConfig vision, int[] words) {
        float[] pixels = new float[2 * 3 * 8 * 8];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i * 1.37);
        }
        int[] shape = {2, 3, 8, 8};
        int rows = vision.rows(vision.grid(shape));
        var prepared = new ImagePipeline.Prepared(pixels, shape, new int[0], rows, "tiles");
        int[] ids = Arrays.copyOf(words, words.length + rows);
        Arrays.fill(ids, words.length, ids.length, vision.imageToken());
        for (int i = 0; i < words.length; i++) {
            ids[i] = words[i] == vision.imageToken() ? words[i] + 1 : words[i];
        }
        var picture = new SeenPicture("tiles", rows, () -> prepared);
        return SeenPicture.among(ids, vision.imageToken(), List.of(picture));
    }

    /// The model that a policy merges to, without an adapter; the caller closes it.
    static Decoder merged(Policy policy) {
        var file = new MemoryTensorFile();
        for (SafeTensorsWriter.Source source : policy.weights(DType.FLOAT32)) {
            try (Arena arena = Arena.ofConfined()) {
                float[] values = source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                file.put(source.name(), values, source.shape());
            }
        }
        return Decoder.load(
                policy.mergedConfig(DType.FLOAT32), file, policy.decoder().device(), DType.FLOAT32);
    }

    /// Gradients of the merged model's weights, all of them trained, by name.
    static Map<String, float[]> fullGradients(
            Policy policy, Tree.Piece piece, HeadRequest request) {
        try (Decoder decoder = merged(policy);
                Policy full = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
            Outcome.of(full, List.of(piece), request);
            return gradients(full);
        }
    }

    /// Gradients by parameter name.
    static Map<String, float[]> gradients(Policy policy) {
        var byName = new HashMap<String, float[]>();
        for (var p : policy.parameters().parameters()) {
            byName.put(p.name(), policy.parameters().gradient(p).toFloats());
        }
        return byName;
    }
}
