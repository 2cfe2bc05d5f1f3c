package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TensorAssert;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// LoRA on the output layer.
class AdaptedHeadTest {
    private static final String A = "base_model.model.lm_head.lora_A.weight";
    private static final String B = "base_model.model.lm_head.lora_B.weight";
    private static final double SCALING = 2;

    /// So many tokens that the head takes several chunks.
    private static final DecoderConfig WIDE =
            TinyModels.sized(
                    "llama",
                    8,
                    12,
                    262_144,
                    1,
                    new AttentionConfig(2, 1, 4, false, false, false, List.of(0)),
                    false,
                    true);

    private static LoraConfig onHead(double dropout) {
        return Adapted.config(List.of("lm_head", "q_proj"), List.of(), false, dropout);
    }

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    @Test
    void gradientsAreThoseOfTheMergedLayer() {
        for (DecoderConfig config : List.of(TinyModels.llama(), TinyModels.tiedLlama(), WIDE)) {
            Tree.Piece piece = Adapted.piece(config, config == WIDE ? 40 : 9);
            var request = new HeadRequest(Set.of(HeadStatistic.ENTROPY), 0.7);
            onEngine(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config);
                                Policy policy =
                                        Adapted.policy(decoder, onHead(0), Outcome.DEFAULT)) {
                            Outcome.of(policy, List.of(piece), request);
                            compareWithMerged(policy, piece, request);
                        }
                    });
        }
    }

    /// With `W' = W + s B A`: `∂A = s Bᵀ ∂W'` and `∂B = s ∂W' Aᵀ`.
    private static void compareWithMerged(Policy policy, Tree.Piece piece, HeadRequest request) {
        Map<String, float[]> got = Adapted.gradients(policy);
        Map<String, float[]> full = Adapted.fullGradients(policy, piece, request);
        DecoderConfig c = policy.decoder().config();
        Tensor w =
                Tensor.of(
                        Devices.usual(), full.get("lm_head.weight"), c.vocabSize(), c.hiddenSize());
        var byName =
                policy.parameters().parameters().stream()
                        .collect(Collectors.toMap(p -> p.name(), p -> p));
        Tensor a = policy.parameters().value(byName.get(A));
        Tensor b = policy.parameters().value(byName.get(B));
        float[] expectedA = b.t().mm(w).mul(SCALING).toFloats();
        float[] expectedB = w.mm(a.t()).mul(SCALING).toFloats();
        assertClose("A", expectedA, got.get(A), 1e-5, 1e-5);
        assertClose("B", expectedB, got.get(B), 1e-5, 1e-5);
        assertTrue(largest(expectedA) > 1e-2 && largest(expectedB) > 1e-2);
    }

    private static double largest(float[] values) {
        double largest = 0;
        for (float v : values) {
            largest = Math.max(largest, Math.abs(v));
        }
        return largest;
    }

    @Test
    void gradientsWithDropoutEqualFiniteDifferences() {
        DecoderConfig config = TinyModels.llama();
        LoraConfig adapter = onHead(0.4);
        Tree.Piece piece = Adapted.piece(config, 9);
        var options = new Policy.Options(Recomputation.NONE, true, 3, false);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Adapted.policy(decoder, adapter, options)) {
                        policy.startStep(0);
                        float[] gradients = Outcome.of(policy, List.of(piece)).gradients();
                        for (var p : policy.parameters().parameters()) {
                            int at = (int) (p.offset() + p.count() / 2);
                            double wide = slope(policy, piece, at, 1e-2);
                            double slope = (4 * slope(policy, piece, at, 5e-3) - wide) / 3;
                            assertClose(p.name(), slope, gradients[at], 1e-4, 1e-2);
                        }
                        policy.setOptions(Outcome.DEFAULT);
                        float[] without = Outcome.of(policy, List.of(piece)).values();
                        policy.setOptions(options);
                        assertFalse(
                                Arrays.equals(
                                        without, Outcome.of(policy, List.of(piece)).values()));
                    }
                });
    }

    private static double slope(Policy policy, Tree.Piece piece, int at, double h) {
        Tensor value = policy.parameters().values().narrow(0, at, 1);
        double before = value.item();
        double[] losses = new double[2];
        for (int i = 0; i < 2; i++) {
            value.fillInPlace(before + (i == 0 ? h : -h));
            policy.parameters().valuesChanged();
            policy.startStep(0);
            losses[i] = Outcome.of(policy, List.of(piece)).loss();
        }
        value.fillInPlace(before);
        policy.parameters().valuesChanged();
        return (losses[0] - losses[1]) / (2 * h);
    }

    @Test
    void recomputationIsBitForBit() {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            DecoderConfig config = TinyModels.tiedLlama();
            Tree.Piece piece = Adapted.piece(config, 9);
            onEngine(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config, dtype);
                                Policy policy =
                                        Adapted.policy(
                                                decoder,
                                                onHead(0.3),
                                                dropout(Recomputation.NONE))) {
                            policy.startStep(4);
                            Outcome kept = Outcome.of(policy, List.of(piece));
                            policy.setOptions(dropout(Recomputation.ALL));
                            policy.startStep(4);
                            kept.assertEqualTo(dtype + "", Outcome.of(policy, List.of(piece)), 0);
                        }
                    });
        }
    }

    /// Trainers share prompts by it: the adapter's dropout counts, not that of a run's settings.
    @Test
    void aPolicySaysWhetherItDrops() {
        DecoderConfig config = TinyModels.tiedLlama();
        var off = new Policy.Options(Recomputation.NONE, false, 5, false);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config, DType.FLOAT32);
                            Policy drops =
                                    Adapted.policy(
                                            decoder, onHead(0.3), dropout(Recomputation.NONE))) {
                        assertTrue(drops.hasDropout());
                        drops.setOptions(off);
                        assertFalse(drops.hasDropout());
                    }
                    try (Decoder decoder = TinyModels.decoder(config, DType.FLOAT32);
                            Policy keeps =
                                    Adapted.policy(
                                            decoder, onHead(0), dropout(Recomputation.NONE))) {
                        assertFalse(keeps.hasDropout());
                    }
                });
    }

    private static Policy.Options dropout(Recomputation recomputed) {
        return new Policy.Options(recomputed, true, 5, false);
    }

    @Test
    void referencesKeepTheirHead() {
        DecoderConfig config = TinyModels.tiedLlama();
        TokenForest forest = Adapted.piece(config, 9).forest();
        var request = HeadRequest.of(HeadStatistic.ENTROPY);
        onEngine(
                () -> {
                    float[] base;
                    try (Decoder decoder = TinyModels.decoder(config)) {
                        base = Policy.reference(decoder).measure(forest, request).tokenLogProbs();
                    }
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Adapted.policy(decoder, onHead(0), Outcome.DEFAULT)) {
                        Scorer off = policy.adapterOff();
                        Scorer frozen = policy.frozenAdapter();
                        Measurement before = policy.measure(forest, request);
                        Adapted.shift(policy);
                        Measurement after = policy.measure(forest, request);
                        assertArrayEquals(base, off.measure(forest, request).tokenLogProbs());
                        Measurement kept = frozen.measure(forest, request);
                        assertArrayEquals(before.tokenLogProbs(), kept.tokenLogProbs());
                        assertArrayEquals(
                                before.statistic(HeadStatistic.ENTROPY),
                                kept.statistic(HeadStatistic.ENTROPY));
                        assertFalse(Arrays.equals(base, before.tokenLogProbs()));
                        assertFalse(Arrays.equals(after.tokenLogProbs(), before.tokenLogProbs()));
                    }
                });
    }

    @Test
    void savedAndLoadedIsTheSame(@TempDir Path folder) {
        DecoderConfig config = TinyModels.tiedLlama();
        TokenForest forest = Adapted.piece(config, 9).forest();
        onEngine(
                () -> {
                    float[] values;
                    float[] logProbs;
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Adapted.policy(decoder, onHead(0), Outcome.DEFAULT)) {
                        policy.saveAdapter(folder, "base");
                        values = policy.parameters().values().toFloats();
                        logProbs = policy.measure(forest, HeadRequest.of()).tokenLogProbs();
                    }
                    try (Decoder decoder = TinyModels.decoder(config);
                            AdapterFolder adapter = AdapterFolder.open(folder);
                            Policy policy = Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
                        assertTrue(
                                adapter.tensors()
                                        .entries()
                                        .keySet()
                                        .containsAll(
                                                List.of(
                                                        A,
                                                        B,
                                                        AdapterTarget.nameOfBase("lm_head"))));
                        assertArrayEquals(values, policy.parameters().values().toFloats());
                        assertArrayEquals(
                                logProbs, policy.measure(forest, HeadRequest.of()).tokenLogProbs());
                    }
                });
    }

    /// PEFT would put it in place of the base model's.
    @Test
    void aRoundedBaseWeightIsNotSaved(@TempDir Path folder) {
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.llama(), DType.BFLOAT16);
                            Policy policy = Adapted.policy(decoder, onHead(0), Outcome.DEFAULT)) {
                        policy.saveAdapter(folder, "base");
                        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
                            Set<String> names = adapter.tensors().entries().keySet();
                            assertTrue(names.contains(A));
                            assertFalse(names.contains(AdapterTarget.nameOfBase("lm_head")));
                        }
                    }
                });
    }

    @Test
    void mergingGivesATiedModelAnOutputLayerOfItsOwn() {
        for (DecoderConfig config : List.of(TinyModels.llama(), TinyModels.tiedLlama())) {
            TokenForest forest = Adapted.piece(config, 9).forest();
            onEngine(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config);
                                Policy policy =
                                        Adapted.policy(decoder, onHead(0), Outcome.DEFAULT);
                                Decoder merged = Adapted.merged(policy)) {
                            assertFalse(merged.config().tieWordEmbeddings());
                            assertEquals(config.withSeparateOutputLayer(), merged.config());
                            TensorAssert.assertClose(
                                    "log-probs",
                                    policy.measure(forest, HeadRequest.of()).tokenLogProbs(),
                                    Policy.reference(merged)
                                            .measure(forest, HeadRequest.of())
                                            .tokenLogProbs(),
                                    1e-5,
                                    1e-5);
                        }
                    });
        }
    }

    @Test
    void generationUsesIt() {
        DecoderConfig config = TinyModels.tiedLlama();
        int[] ids = TinyModels.tokens("prompt", config, 7);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Adapted.policy(decoder, onHead(0), Outcome.DEFAULT)) {
                        var builder = TokenForest.builder();
                        builder.root(ids);
                        var layout = Policy.layout(builder.build());
                        for (var adapter :
                                List.of(Adapter.OFF, Adapter.TRAINED, Adapter.frozen(0))) {
                            policy.frozenAdapter();
                            Tensor all = Logits.of(decoder, layout, adapter); // (T, V)
                            try (var cache = new KvCache(decoder, 1, ids.length)) {
                                Tensor last =
                                        new CachedDecoder(decoder, adapter).prefill(cache, 0, ids);
                                assertClose(
                                        adapter + "",
                                        all.select(0, ids.length - 1).toFloats(),
                                        last.toFloats(),
                                        1e-5,
                                        1e-5);
                            }
                        }
                    }
                });
    }
}
