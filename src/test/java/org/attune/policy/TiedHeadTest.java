package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A tied embedding's gradient is the sum of both its uses.
class TiedHeadTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";

    private static Map<String, float[]> gradients(
            DecoderConfig config, MemoryTensorFile weights, Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    Decoder.load(config, weights, Devices.usual(), DType.FLOAT32);
                            Policy policy = Policy.withAllWeights(decoder, options)) {
                        var tree = new Tree();
                        int prompt = tree.root(TinyModels.tokens("prompt", config, 9));
                        int a = tree.child(prompt, TinyModels.tokens("a", config, 17));
                        Outcome.of(policy, List.of(tree.shared(prompt, a)));
                        var byName = new HashMap<String, float[]>();
                        ParameterSpace space = policy.parameters();
                        for (var p : space.parameters()) {
                            byName.put(
                                    p.name(),
                                    space.gradients().narrow(0, p.offset(), p.count()).toFloats());
                        }
                        return byName;
                    }
                });
    }

    @Test
    void sumsTheGradientsOfBothUses() {
        for (Policy.Options options : List.of(Outcome.DEFAULT, Outcome.PLAIN)) {
            DecoderConfig tied = TinyModels.tiedLlama();
            MemoryTensorFile weights = TinyModels.weights(tied);
            Map<String, float[]> summed = gradients(tied, weights, options);
            MemoryTensorFile untied = TinyModels.weights(tied);
            try (Arena arena = Arena.ofConfined()) {
                float[] copy = untied.read(EMBEDDING, arena).toArray(ValueLayout.JAVA_FLOAT);
                untied.put(HEAD, copy, tied.vocabSize(), tied.hiddenSize());
            }
            Map<String, float[]> apart = gradients(TinyModels.llama(), untied, options);
            float[] expected = apart.get(EMBEDDING);
            float[] ofHead = apart.get(HEAD);
            double largestOfEmbedding = 0;
            double largestOfHead = 0;
            for (int i = 0; i < expected.length; i++) {
                largestOfEmbedding = Math.max(largestOfEmbedding, Math.abs(expected[i]));
                largestOfHead = Math.max(largestOfHead, Math.abs(ofHead[i]));
                expected[i] += ofHead[i];
            }
            // Otherwise one of the uses could be forgotten unseen.
            if (!(largestOfEmbedding > 1e-2 && largestOfHead > 1e-2)) {
                throw new AssertionError("gradients too small to compare");
            }
            for (String name : summed.keySet()) {
                assertClose(name, apart.get(name), summed.get(name), 1e-5, 0);
            }
        }
    }
}
