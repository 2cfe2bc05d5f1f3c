package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.FormulaConfig;
import org.attune.adapter.Ia3Config;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.adapter.formula.FormulaKind;
import org.attune.adapter.formula.FormulaOptions;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// Adapters that aren't low-rank products alone: DoRA's trained lengths of rows, IA³, formulas.
class AdapterKindsTest {
    private static final List<DecoderConfig> MODELS =
            List.of(TinyModels.tiedLlama(), TinyModels.everything(), TinyModels.wideHeads());

    @TempDir Path folder;

    private static AdapterConfig dora(ModuleSelection targets, double dropout) {
        return new LoraConfig(
                3,
                6,
                dropout,
                false,
                true,
                targets,
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of("v_proj", 2),
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.RANDOM_BOTH,
                "CAUSAL_LM",
                Optional.empty());
    }

    private static ModuleSelection names(String... names) {
        return new ModuleSelection.Names(List.of(names));
    }

    /// On a model of this shape; formulas on one of them, since they see nothing of a model.
    private static List<AdapterConfig> kinds(DecoderConfig model) {
        return model.equals(TinyModels.everything()) ? all() : features();
    }

    private static List<AdapterConfig> all() {
        return Stream.concat(features().stream(), formulas().stream()).toList();
    }

    private static List<AdapterConfig> features() {
        return List.of(
                dora(new ModuleSelection.AllLinear(), 0),
                dora(names("q_proj", "v_proj", "down_proj"), 0),
                Ia3Config.of(names("k_proj", "v_proj", "down_proj"), names("down_proj")),
                Ia3Config.of(new ModuleSelection.AllLinear(), names("down_proj", "k_proj")),
                Ia3Config.of(names("gate_proj", "up_proj"), names("gate_proj", "up_proj")),
                AdapterConfig.ofNorms(names("input_layernorm", "norm")));
    }

    private static List<AdapterConfig> formulas() {
        return List.of(
                formula(FormulaKind.LOHA, o -> o.with("r", 3), new ModuleSelection.AllLinear()),
                formula(
                        FormulaKind.LOKR,
                        o -> o.with("r", 1).with("decompose_both", true),
                        names("q_proj", "v_proj", "down_proj")),
                formula(
                        FormulaKind.LOKR,
                        o -> o.with("decompose_factor", 2),
                        names("gate_proj", "o_proj")),
                formula(
                        FormulaKind.OFT,
                        o -> o.with("oft_block_size", 4),
                        names("q_proj", "k_proj", "up_proj")),
                formula(
                        FormulaKind.BOFT,
                        o -> o.with("boft_block_size", 4),
                        names("q_proj", "k_proj", "up_proj")),
                formula(
                        FormulaKind.BOFT,
                        o -> o.with("boft_block_size", 2).with("boft_n_butterfly_factor", 2),
                        names("o_proj")),
                formula(
                        FormulaKind.VERA,
                        o -> o.with("r", 5),
                        names("q_proj", "v_proj", "down_proj")),
                formula(
                        FormulaKind.VERA,
                        o -> o.with("r", 5).with("save_projection", false),
                        names("k_proj", "up_proj")),
                formula(
                        FormulaKind.FOURIERFT,
                        o -> o.with("n_frequency", 9),
                        names("k_proj", "down_proj")),
                formula(
                        FormulaKind.HRA,
                        o -> o.with("r", 3).with("apply_GS", true),
                        names("v_proj", "up_proj")));
    }

    /// With random values.
    private static AdapterConfig formula(
            FormulaKind kind, UnaryOperator<FormulaOptions> options, ModuleSelection targets) {
        return FormulaConfig.of(
                kind, options.apply(kind.defaults()).with("init_weights", false), targets);
    }

    /// A policy whose trained values are random.
    private static Policy policy(Decoder decoder, AdapterConfig config, Policy.Options options) {
        Policy policy = Outcome.lora(decoder, config, options);
        Adapted.shift(policy);
        return policy;
    }

    private static void with(
            DecoderConfig model, AdapterConfig config, DType dtype, Consumer<Policy> use) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model, dtype);
                            Policy policy = policy(decoder, config, Outcome.DEFAULT)) {
                        use.accept(policy);
                    }
                });
    }

    private static Outcome outcome(
            DecoderConfig model, AdapterConfig config, DType dtype, Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model, dtype);
                            Policy policy = policy(decoder, config, options)) {
                        return Outcome.of(policy, List.of(Adapted.piece(model, 7)));
                    }
                });
    }

    @Test
    void writtenEqualsPlain() {
        for (DecoderConfig model : MODELS) {
            for (AdapterConfig config : kinds(model)) {
                outcome(model, config, DType.FLOAT32, Outcome.PLAIN)
                        .assertEqualTo(
                                model + " " + config,
                                outcome(model, config, DType.FLOAT32, Outcome.DEFAULT));
            }
        }
    }

    @Test
    void writtenEqualsPlainWithDropout() {
        AdapterConfig config = dora(new ModuleSelection.AllLinear(), 0.3);
        for (DecoderConfig model : MODELS) {
            Outcome plain =
                    outcome(
                            model,
                            config,
                            DType.FLOAT32,
                            new Policy.Options(Recomputation.NONE, true, 5, true));
            for (var again : List.of(Recomputation.NONE, Recomputation.ALL)) {
                var written = new Policy.Options(again, true, 5, false);
                plain.assertEqualTo(
                        model + " dropout", outcome(model, config, DType.FLOAT32, written));
            }
        }
    }

    @Test
    void recomputationIsBitForBit() {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            for (AdapterConfig config : all()) {
                Outcome kept = outcome(MODELS.get(1), config, dtype, Outcome.DEFAULT);
                for (var way : List.of(Outcome.RECOMPUTE, Outcome.KEEP_ATTENTION)) {
                    kept.assertEqualTo(
                            config.toString(), outcome(MODELS.get(1), config, dtype, way), 0);
                }
            }
        }
    }

    @Test
    void theMergedModelIsTheSame() {
        for (DecoderConfig model : MODELS) {
            for (AdapterConfig config : kinds(model)) {
                with(
                        model,
                        config,
                        DType.FLOAT32,
                        policy -> {
                            TokenForest forest = Adapted.piece(model, 7).forest();
                            try (Decoder merged = Adapted.merged(policy)) {
                                assertClose(
                                        config.toString(),
                                        Outcome.logProbs(Policy.reference(merged), forest),
                                        Outcome.logProbs(policy, forest),
                                        1e-4,
                                        1e-4);
                            }
                        });
            }
        }
    }

    @Test
    void aFreshAdapterChangesNothing() {
        var fresh =
                List.of(
                        Adapted.dora(3, 6),
                        all().get(2),
                        fresh(FormulaKind.LOHA),
                        fresh(FormulaKind.LOKR),
                        fresh(FormulaKind.OFT));
        for (AdapterConfig config : fresh) {
            Adapted.fresh(
                    TinyModels.qwen2(),
                    config,
                    policy -> {
                        Scorer off = policy.adapterOff();
                        assertEquals(Scorer.Start.SAME, off.start());
                        TokenForest forest = Adapted.piece(TinyModels.qwen2(), 7).forest();
                        assertArrayEquals(
                                Outcome.logProbs(off, forest), Outcome.logProbs(policy, forest));
                        Adapted.shift(policy);
                        assertEquals(Scorer.Start.OTHER, policy.adapterOff().start());
                    });
        }
    }

    private static AdapterConfig fresh(FormulaKind kind) {
        return FormulaConfig.of(kind, kind.defaults(), new ModuleSelection.AllLinear());
    }

    @Test
    void aFrozenCopyStaysAndTheBaseIsUnchanged() {
        DecoderConfig model = TinyModels.everything();
        TokenForest forest = Adapted.piece(model, 7).forest();
        float[] base =
                Engine.call(
                        () -> {
                            try (Decoder decoder = TinyModels.decoder(model)) {
                                return Outcome.logProbs(Policy.reference(decoder), forest);
                            }
                        });
        for (AdapterConfig config : all()) {
            with(
                    model,
                    config,
                    DType.FLOAT32,
                    policy -> {
                        float[] before = Outcome.logProbs(policy, forest);
                        MovingReference frozen = policy.movingAdapter();
                        Adapted.shift(policy);
                        assertArrayEquals(before, Outcome.logProbs(frozen, forest));
                        assertClose(
                                "adapter off",
                                base,
                                Outcome.logProbs(policy.adapterOff(), forest),
                                1e-6,
                                1e-6);
                        float[] after = Outcome.logProbs(policy, forest);
                        assertFalse(Arrays.equals(before, after));
                        frozen.move(1);
                        assertArrayEquals(after, Outcome.logProbs(frozen, forest));
                    });
        }
    }

    /// Along a random direction the loss changes as the gradients say. DoRA's are others: its norm
    /// is a constant to them.
    @Test
    void gradientsAreTheLosses() {
        for (AdapterConfig config : all().subList(2, all().size())) {
            with(
                    TinyModels.everything(),
                    config,
                    DType.FLOAT32,
                    policy -> Adapted.compareWithDifferences(config.toString(), policy));
        }
    }

    /// Also with weights of which only what forward passes read is kept, as for generation.
    @Test
    void readingWithACacheGivesTheSame() {
        DecoderConfig model = TinyModels.everything();
        int[] ids = TinyModels.tokens("prompt", model, 9);
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            for (AdapterConfig config : all()) {
                with(
                        model,
                        config,
                        dtype,
                        policy -> {
                            double tolerance = dtype == DType.FLOAT32 ? 1e-4 : 0.1;
                            var layout = RecordedModelsTest.layout(ids, ids.length);
                            float[] whole =
                                    Logits.of(policy.decoder(), layout, Adapter.TRAINED).toFloats();
                            for (boolean packed : new boolean[] {false, true}) {
                                if (packed) {
                                    policy.decoder().packDecoding();
                                    policy.decoder().keepForward();
                                }
                                float[] last = read(policy.decoder(), ids);
                                float[] expected =
                                        Arrays.copyOfRange(
                                                whole, whole.length - last.length, whole.length);
                                assertClose(
                                        config.toString(), expected, last, tolerance, tolerance);
                            }
                        });
            }
        }
    }

    /// Logits after the last of these ids, which are read in two pieces.
    private static float[] read(Decoder decoder, int[] ids) {
        int most = ids.length - 1;
        try (var cache = new KvCache(decoder, 1, ids.length)) {
            var reader = new CachedDecoder(decoder, Adapter.TRAINED);
            reader.prefill(cache, 0, Arrays.copyOf(ids, most)).close();
            return reader.decode(cache, new int[] {ids[most]}).to(DType.FLOAT32).toFloats();
        }
    }

    @Test
    void whatIsWrittenIsReadBack() {
        DecoderConfig model = TinyModels.qwen2();
        TokenForest forest = Adapted.piece(model, 7).forest();
        for (AdapterConfig config : all()) {
            with(
                    model,
                    config,
                    DType.FLOAT32,
                    policy -> {
                        policy.saveAdapter(folder, "base");
                        try (AdapterFolder adapter = AdapterFolder.open(folder);
                                Decoder decoder = TinyModels.decoder(model);
                                Policy other =
                                        Policy.withAdapter(decoder, adapter, Outcome.DEFAULT)) {
                            AdapterFit.require(model, adapter);
                            assertArrayEquals(
                                    Outcome.logProbs(policy, forest),
                                    Outcome.logProbs(other, forest));
                        }
                    });
        }
    }

    @Test
    void theOutputLayerHasLowRankUpdatesOnly() {
        for (AdapterConfig config :
                List.of(
                        dora(names("lm_head"), 0),
                        Ia3Config.of(names("lm_head"), names()),
                        formula(FormulaKind.LOHA, o -> o, names("lm_head")))) {
            var error =
                    assertThrows(
                            ConfigException.class,
                            () -> AdapterFit.require(TinyModels.llama(), config));
            assertTrue(
                    error.getMessage().contains("neither DoRA, nor lora_bias"), error.getMessage());
        }
    }
}
