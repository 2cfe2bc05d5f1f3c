package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TensorAssert;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Hand-written passes equal autograd's, and recomputation changes no bit.
class PathsAgreeTest {
    private static final List<DecoderConfig> MODELS =
            List.of(
                    TinyModels.llama(),
                    TinyModels.tiedLlama(),
                    TinyModels.mistral(6),
                    TinyModels.qwen2(),
                    TinyModels.qwen3(),
                    TinyModels.everything(),
                    TinyModels.wideHeads(),
                    TinyModels.wideHeadsWithEverything());

    private static Tree.Piece piece(DecoderConfig config) {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", config, 11));
        int a = tree.child(prompt, TinyModels.tokens("a", config, 7));
        int b = tree.child(prompt, TinyModels.tokens("b", config, 19));
        int c = tree.child(a, TinyModels.tokens("c", config, 3));
        int other = tree.root(TinyModels.tokens("other", config, 4));
        return tree.shared(prompt, a, b, c, other);
    }

    private static Outcome full(DecoderConfig config, DType dtype, Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, dtype);
                            Policy policy = Policy.withAllWeights(decoder, options)) {
                        return Outcome.of(policy, List.of(piece(config)));
                    }
                });
    }

    private static Outcome lora(
            DecoderConfig config, DType dtype, LoraConfig adapter, Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, dtype);
                            Policy policy = Outcome.lora(decoder, adapter, options)) {
                        return Outcome.of(policy, List.of(piece(config)));
                    }
                });
    }

    @Test
    void writtenEqualsPlainWithAllWeights() {
        for (DecoderConfig config : MODELS) {
            full(config, DType.FLOAT32, Outcome.PLAIN)
                    .assertEqualTo(config.toString(), full(config, DType.FLOAT32, Outcome.DEFAULT));
        }
    }

    @Tag("thorough")
    @Test
    void writtenEqualsPlainWithAdapters() {
        var uneven = Map.of("k_proj", 1, "up_proj", 5, "layers.1.mlp.down_proj", 2);
        List<LoraConfig> adapters =
                List.of(
                        Outcome.allLinear(0),
                        Outcome.adapter(new ModuleSelection.AllLinear(), 0, uneven),
                        Outcome.adapter(
                                names("k_proj", "up_proj"), 0, Map.of("k_proj", 1, "up_proj", 5)),
                        Outcome.adapter(names("v_proj", "o_proj"), 0, Map.of()),
                        Outcome.adapter(
                                names("q_proj", "v_proj", "down_proj"),
                                0,
                                Map.of("layers.1.mlp.down_proj", 2)),
                        Outcome.adapter(
                                new ModuleSelection.Regex(".*layers\\.1\\..*gate_proj"),
                                0,
                                Map.of()));
        for (DecoderConfig config : MODELS) {
            for (LoraConfig adapter : adapters) {
                lora(config, DType.FLOAT32, adapter, Outcome.PLAIN)
                        .assertEqualTo(
                                config + " " + adapter.targets(),
                                lora(config, DType.FLOAT32, adapter, Outcome.DEFAULT));
            }
        }
    }

    private static ModuleSelection names(String... names) {
        return new ModuleSelection.Names(List.of(names));
    }

    @Tag("thorough")
    @Test
    void recomputationIsBitForBit() {
        LoraConfig adapter = Outcome.allLinear(0);
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            for (DecoderConfig config : MODELS) {
                Outcome full = full(config, dtype, Outcome.DEFAULT);
                Outcome lora = lora(config, dtype, adapter, Outcome.DEFAULT);
                for (var way :
                        List.of(
                                Outcome.RECOMPUTE,
                                Outcome.RECOMPUTE_FIRST,
                                Outcome.KEEP_ATTENTION)) {
                    full.assertEqualTo("full " + config, full(config, dtype, way), 0);
                    lora.assertEqualTo("LoRA " + config, lora(config, dtype, adapter, way), 0);
                }
            }
        }
    }

    @Test
    void recomputationIsBitForBitWithDropout() {
        LoraConfig adapter = Outcome.allLinear(0.3);
        for (DecoderConfig config : MODELS) {
            Outcome kept = lora(config, DType.FLOAT32, adapter, dropout(Recomputation.NONE, 5));
            for (var again : List.of(Recomputation.ALL, new Recomputation(2, true))) {
                kept.assertEqualTo(
                        "dropout " + again,
                        lora(config, DType.FLOAT32, adapter, dropout(again, 5)),
                        0);
            }
            Outcome otherSeed = lora(config, DType.FLOAT32, adapter, dropout(Recomputation.ALL, 6));
            assertFalse(Arrays.equals(kept.values(), otherSeed.values()));
            Outcome off = lora(config, DType.FLOAT32, adapter, Outcome.RECOMPUTE);
            assertFalse(Arrays.equals(kept.values(), off.values()));
        }
    }

    @Test
    void writtenEqualsPlainWithDropout() {
        LoraConfig adapter = Outcome.allLinear(0.3);
        var plain = new Policy.Options(Recomputation.NONE, true, 5, true);
        for (DecoderConfig config : MODELS) {
            lora(config, DType.FLOAT32, adapter, plain)
                    .assertEqualTo(
                            config + " dropout",
                            lora(config, DType.FLOAT32, adapter, dropout(Recomputation.NONE, 5)));
        }
    }

    private static Policy.Options dropout(Recomputation recomputed, long seed) {
        return new Policy.Options(recomputed, true, seed, false);
    }

    @Test
    void evaluationsInARowDropOtherInputs() {
        DecoderConfig config = TinyModels.llama();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy =
                                    Outcome.lora(
                                            decoder,
                                            Outcome.allLinear(0.3),
                                            dropout(Recomputation.ALL, 5))) {
                        policy.startStep(7);
                        float[] first = Outcome.of(policy, List.of(piece(config))).values();
                        float[] second = Outcome.of(policy, List.of(piece(config))).values();
                        assertFalse(Arrays.equals(first, second));
                        policy.startStep(8);
                        float[] next = Outcome.of(policy, List.of(piece(config))).values();
                        assertFalse(Arrays.equals(first, next));
                        policy.startStep(7); // as after resuming
                        assertArrayEquals(
                                first, Outcome.of(policy, List.of(piece(config))).values());
                        TokenForest forest = piece(config).forest();
                        assertArrayEquals(
                                policy.measure(forest, HeadRequest.of()).tokenLogProbs(),
                                policy.measure(forest, HeadRequest.of()).tokenLogProbs());
                    }
                });
    }

    /// If the repetition dropped other inputs than the forward pass, this would fail.
    @Test
    void gradientsUnderDropoutEqualFiniteDifferences() {
        DecoderConfig config = TinyModels.llama();
        LoraConfig adapter = Outcome.allLinear(0.3);
        for (Recomputation recomputed :
                List.of(
                        Recomputation.NONE,
                        Recomputation.ofBlocks(1),
                        new Recomputation(1, true),
                        Recomputation.ALL)) {
            Policy.Options options = dropout(recomputed, 7);
            Outcome outcome = lora(config, DType.FLOAT32, adapter, options);
            int parameters = outcome.gradients().length;
            for (int i = 17; i < parameters; i += parameters / 5) {
                double wide = slope(config, adapter, options, i, 1e-2);
                double narrow = slope(config, adapter, options, i, 5e-3);
                double slope = (4 * narrow - wide) / 3; // Richardson: the error is of order h⁴
                TensorAssert.assertClose(
                        "gradient " + i, slope, outcome.gradients()[i], 1e-4, 1e-2);
            }
        }
    }

    private static double slope(
            DecoderConfig config, LoraConfig adapter, Policy.Options options, int i, double h) {
        double up = lossWith(config, adapter, options, i, h);
        double down = lossWith(config, adapter, options, i, -h);
        return (up - down) / (2 * h);
    }

    private static double lossWith(
            DecoderConfig config, LoraConfig adapter, Policy.Options options, int i, double h) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Outcome.lora(decoder, adapter, options)) {
                        Tensor value = policy.parameters().values().narrow(0, i, 1);
                        value.copyInPlace(value.add(h));
                        policy.parameters().valuesChanged();
                        return Outcome.of(policy, List.of(piece(config))).loss();
                    }
                });
    }

    @Test
    void backwardRunsAtMostOnce() {
        DecoderConfig config = TinyModels.llama();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT);
                            Evaluation e =
                                    policy.evaluate(piece(config).forest(), HeadRequest.of())) {
                        float[] weights = new float[piece(config).forest().targetCount()];
                        e.backward(weights);
                        String message =
                                org.junit.jupiter.api.Assertions.assertThrows(
                                                IllegalStateException.class,
                                                () -> e.backward(weights))
                                        .getMessage();
                        assertEquals("backward() runs at most once per evaluation", message);
                    }
                });
    }
}
