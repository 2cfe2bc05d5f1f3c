package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.BlockOrder;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.EndsConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.model.config.FeedForwardConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.PositionConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.RopeScaling;
import org.attune.model.config.ScoreKind;
import org.attune.model.config.SpecialIds;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.ForwardRecord;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/// Every combination of a block's parts trains and is read with a cache, and kernels that don't
/// compute it keep off.
class BlockCombinationsTest {
    private static final int POSITIONS = 32;
    private static final RopeConfig.Pairs[] PAIRS = RopeConfig.Pairs.values();
    private static final QkNorm[] QK_NORMS = {
        QkNorm.NONE,
        QkNorm.HEADS,
        QkNorm.TOGETHER,
        QkNorm.EACH,
        QkNorm.NONE,
        QkNorm.HEADS,
        QkNorm.TOGETHER,
        QkNorm.ROTATED
    };

    /// A family's names of tensors, and an order that has as many norms.
    private record Kind(String family, BlockOrder order) {}

    private static final List<Kind> KINDS =
            List.of(
                    new Kind("llama", BlockOrder.SEQUENTIAL),
                    new Kind("llama", BlockOrder.PARALLEL),
                    new Kind("llama", BlockOrder.POST_NORM),
                    new Kind("gemma2", BlockOrder.SANDWICH),
                    new Kind("qwen2_moe", BlockOrder.SEQUENTIAL),
                    new Kind("ernie4_5_moe", BlockOrder.SEQUENTIAL),
                    new Kind("gpt2", BlockOrder.SEQUENTIAL),
                    new Kind("gpt2", BlockOrder.PARALLEL),
                    new Kind("gpt2", BlockOrder.POST_NORM),
                    new Kind("gpt_neox", BlockOrder.PARALLEL),
                    new Kind("stablelm", BlockOrder.PARALLEL),
                    new Kind("bitnet", BlockOrder.SEQUENTIAL),
                    new Kind("nanochat", BlockOrder.SEQUENTIAL));

    private static List<DecoderConfig> all() {
        List<DecoderConfig> all = new ArrayList<>();
        Activation[] activations = // xIELU has weights
                EnumSet.complementOf(EnumSet.of(Activation.XIELU)).toArray(Activation[]::new);
        for (Kind kind : KINDS) {
            for (NormConfig norm :
                    List.of(
                            new NormConfig.Rms(1e-5, 0),
                            kind.family().equals("nanochat")
                                    ? new NormConfig.Bare(1e-5)
                                    : new NormConfig.Rms(1e-5, 1),
                            layerNorm(all.size()))) {
                for (double cap : new double[] {0, 2}) {
                    int number = all.size();
                    Activation activation = activations[number % activations.length];
                    all.add(config(kind, norm, activation, cap, number));
                }
            }
        }
        return all;
    }

    /// With an offset, a bias, both or neither.
    private static NormConfig layerNorm(int number) {
        return new NormConfig.Layer(1e-5, number / 6 % 2, number / 12 % 2 == 0);
    }

    /// GPT-2's names have learned positions, a fused projection, transposed matrices and no gates;
    /// GPT-NeoX's have a projection that is fused by heads.
    private static DecoderConfig config(
            Kind kind, NormConfig norm, Activation activation, double cap, int number) {
        boolean learned = kind.family().equals("gpt2");
        boolean byHead = kind.family().equals("gpt_neox");
        boolean plain = learned || byHead;
        boolean latent = kind.family().startsWith("ernie") && number % 2 == 1;
        var attention = latent ? latent(number) : attention(plain, byHead, cap, number);
        var rope =
                new RopeConfig(
                        100,
                        number % 5 == 4 && !latent ? 0.5 : 1,
                        new RopeScaling.None(),
                        new RopeConfig.Exceptions(
                                OptionalDouble.empty(), number % 4 == 3 ? Set.of(1) : Set.of()),
                        PAIRS[number % PAIRS.length],
                        number % 7 == 5 && number % 5 != 4 && !latent
                                ? Optional.of(new RopeConfig.Growth(0.5, 3, number % 4 == 3))
                                : Optional.empty(),
                        Optional.empty());
        return new DecoderConfig(
                kind.family(),
                32,
                31,
                2,
                new BlockConfig(
                        kind.order(),
                        norm,
                        attention,
                        new FeedForwardConfig(
                                44,
                                !plain && !kind.family().equals("nanochat"),
                                activation,
                                plain,
                                kind.family().endsWith("_moe")
                                        ? Optional.of(experts(kind, number))
                                        : Optional.empty()),
                        number % 3 == 2 ? 0.7 : 1),
                number % 4 != 2,
                learned ? new PositionConfig.Learned() : rope,
                new EndsConfig(
                        cap > 0 ? 3 : 1,
                        cap > 0 ? 4 : 0,
                        0,
                        number % 3 == 1 ? 1.5 : 1,
                        number % 4 == 1,
                        number % 5 == 3),
                POSITIONS,
                DType.FLOAT32,
                new SpecialIds(OptionalInt.empty(), List.of(), OptionalInt.empty()),
                0,
                ScoreKind.SEQUENCE,
                Optional.empty());
    }

    private static AttentionConfig attention(
            boolean plain, boolean byHead, double cap, int number) {
        return new AttentionConfig(
                        4,
                        byHead ? 4 : 2,
                        8,
                        plain,
                        plain,
                        plain ? QkNorm.NONE : qkNorm(number),
                        List.of(5, 0),
                        0,
                        0.2,
                        cap,
                        number % 5 == 4,
                        false,
                        Optional.empty(),
                        number % 10 == 9)
                .withClip(clips(plain, number) ? 0.3 : 0);
    }

    /// Where norms come before the rotation.
    private static boolean clips(boolean plain, int number) {
        return number % 4 == 2 && (plain || !qkNorm(number).isAfterRotation());
    }

    private static QkNorm qkNorm(int number) {
        QkNorm norm = QK_NORMS[number % QK_NORMS.length];
        return norm == QkNorm.ROTATED && number % 2 == 0 ? QkNorm.ROTATED_BARE : norm;
    }

    /// Values longer than keys, or shorter.
    private static AttentionConfig latent(int number) {
        var sizes =
                new AttentionConfig.Latent(
                        number % 4 == 1 ? OptionalInt.of(10) : OptionalInt.empty(),
                        6,
                        5,
                        4,
                        number % 3 == 0 ? 11 : 7);
        return new AttentionConfig(
                4,
                4,
                9,
                false,
                false,
                QkNorm.NONE,
                List.of(0, 0),
                0,
                0.3,
                0,
                false,
                false,
                Optional.of(sizes),
                false);
    }

    private static final List<RouterConfig.Scores> SCORES =
            List.of(
                    new RouterConfig.Scores.Softmax(),
                    new RouterConfig.Scores.Sigmoid(),
                    new RouterConfig.Scores.SparseMixer(0.2));

    /// Two or three of six in the second layer, or in both.
    private static ExpertsConfig experts(Kind kind, int number) {
        boolean corrected = kind.family().startsWith("ernie");
        RouterConfig.Scores scores = SCORES.get(number % 3);
        boolean mixed = scores instanceof RouterConfig.Scores.SparseMixer;
        int groups = corrected && !mixed ? 3 : 1;
        return new ExpertsConfig(
                6,
                mixed ? 2 : 2 + number % 2,
                12,
                new RouterConfig(
                        scores,
                        number % 4 == 1,
                        corrected && !mixed,
                        groups,
                        (groups + 1) / 2,
                        new RouterConfig.Weights(number % 4 < 2, 1e-6, 0, 1.5),
                        number % 4 == 3),
                number % 2 == 1,
                number % 4 == 0 ? Optional.of(new ExpertsConfig.Clamp(1.7, 0.5)) : Optional.empty(),
                number % 3 == 0 ? 0 : 20,
                number % 2 == 0 ? Set.of(0) : Set.of(),
                ExpertsConfig.RouterLoss.NONE,
                false);
    }

    private interface Check {
        void of(DecoderConfig config, Decoder decoder);
    }

    private static void each(Check check) {
        for (DecoderConfig config : all()) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(config)) {
                            check.of(config, decoder);
                        }
                    });
        }
    }

    @Test
    void readingWithACacheGivesTheLogitsOfAPass() {
        each(
                (config, decoder) -> {
                    int[] ids = TinyModels.tokens("read", config, 14);
                    var layout = RecordedModelsTest.layout(ids, ids.length);
                    Tensor logits = Logits.of(decoder, layout, Adapter.OFF); // (14, V)
                    try (var cache = new KvCache(decoder, 2, 20)) {
                        var cached = new CachedDecoder(decoder, Adapter.OFF);
                        int[] prompt = Arrays.copyOf(ids, 6);
                        cached.prefill(cache, 0, Arrays.copyOf(ids, 3));
                        Tensor next = cached.prefill(cache, 1, prompt);
                        assertRow(config, logits, 5, next, 0);
                        cached.prefill(cache, 0, Arrays.copyOfRange(ids, 3, 6));
                        for (int i = 6; i < ids.length; i++) {
                            next = cached.decode(cache, new int[] {ids[i], ids[i]});
                            assertRow(config, logits, i, next, 0);
                            assertRow(config, logits, i, next, 1);
                        }
                    }
                });
    }

    private static void assertRow(
            DecoderConfig config, Tensor logits, int row, Tensor next, int slot) {
        float[] expected = logits.select(0, row).contiguous().toFloats();
        assertClose(config.toString(), expected, floats(next, slot), 1e-4, 1e-4);
    }

    private static float[] floats(Tensor rows, int row) {
        return rows.select(0, row).to(DType.FLOAT32).contiguous().toFloats();
    }

    @Tag("thorough")
    @Test
    void gradientsEqualFiniteDifferences() {
        each(
                (config, decoder) -> {
                    Tree.Piece piece = Adapted.piece(config, 4);
                    try (Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        float[] gradients = Outcome.of(policy, List.of(piece)).gradients();
                        for (int i = 101; i < gradients.length; i += gradients.length / 7) {
                            // A ReLU bends, so that steps must be short and rounding is felt.
                            boolean bends =
                                    config.activation() == Activation.RELU
                                            || config.attention().clip() > 0;
                            double h = bends ? 2e-3 : 1e-2;
                            double slope = slope(policy, piece, i, h);
                            double near = slope(policy, piece, i, h / 2);
                            boolean experts = config.block().feedForward().experts().isPresent();
                            if (experts && Math.abs(near - slope) > 0.02 * Math.abs(near)) {
                                continue; // a token chooses other experts in between
                            }
                            assertClose(
                                    config + " " + i,
                                    (4 * near - slope) / 3, // the error is of order h⁴
                                    gradients[i],
                                    bends ? 8e-4 : 2e-4,
                                    2e-2);
                        }
                    }
                });
    }

    private static double slope(Policy policy, Tree.Piece piece, int i, double h) {
        return (loss(policy, piece, i, h) - loss(policy, piece, i, -h)) / (2 * h);
    }

    private static double loss(Policy policy, Tree.Piece piece, int i, double h) {
        Tensor value = policy.parameters().values().narrow(0, i, 1);
        Tensor before = value.copy();
        value.copyInPlace(before.add(h));
        policy.parameters().valuesChanged();
        double loss = Outcome.of(policy, List.of(piece)).loss();
        value.copyInPlace(before);
        policy.parameters().valuesChanged();
        return loss;
    }

    /// Whatever is to be computed again, and with an adapter and dropout.
    @Test
    void recomputationChangesNothing() {
        each(
                (config, decoder) -> {
                    List<Tree.Piece> pieces = List.of(Adapted.piece(config, 4));
                    var kept = new Policy.Options(Recomputation.NONE, true, 5, false);
                    var again = kept.withRecomputed(Recomputation.ALL);
                    try (Policy policy = Outcome.lora(decoder, Outcome.allLinear(0.3), kept)) {
                        policy.startStep(1);
                        Outcome first = Outcome.of(policy, pieces);
                        policy.setOptions(again);
                        policy.startStep(1);
                        first.assertEqualTo(config.toString(), Outcome.of(policy, pieces), 0);
                    }
                });
    }

    @Test
    void handWrittenPassesEqualOrdinaryOperators() {
        var options = new Policy.Options(Recomputation.NONE, true, 5, false);
        equalInBothWays(options, decoder -> Outcome.lora(decoder, Outcome.allLinear(0.3), options));
    }

    @Tag("thorough")
    @Test
    void handWrittenPassesTrainAllWeightsAlike() {
        var options = new Policy.Options(Recomputation.NONE, true, 5, false);
        equalInBothWays(options, decoder -> Policy.withAllWeights(decoder, options));
    }

    private static void equalInBothWays(Policy.Options byHand, Function<Decoder, Policy> training) {
        int[] written = {0};
        each(
                (config, decoder) -> {
                    written[0] += config.unwritten().isEmpty() ? 1 : 0;
                    List<Tree.Piece> pieces = List.of(Adapted.piece(config, 4));
                    try (Policy policy = training.apply(decoder)) {
                        policy.startStep(1);
                        Outcome first = Outcome.of(policy, pieces);
                        policy.setOptions(new Policy.Options(Recomputation.NONE, true, 5, true));
                        policy.startStep(1);
                        first.assertEqualTo(config.toString(), Outcome.of(policy, pieces), 1e-4);
                        policy.setOptions(byHand.withRecomputed(Recomputation.ALL));
                        policy.startStep(1);
                        first.assertEqualTo(config.toString(), Outcome.of(policy, pieces), 0);
                    }
                });
        assertEquals(20, written[0], "of " + all().size());
    }

    @Test
    void acceleratorsTakeLlamasBlocksOnly() {
        int llamas = 0;
        for (DecoderConfig config : all()) {
            boolean isLlamas = config.unlikeLlama().isEmpty();
            llamas += isLlamas ? 1 : 0;
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config)) {
                            assertEquals(isLlamas, decoder.llamaBlocks().isPresent());
                            assertTrue(isLlamas || !ForwardRecord.suits(decoder));
                        }
                    });
        }
        assertEquals(1, llamas);
    }

    @Test
    void sequencesLongerThanLearnedPositionsAreRefused() {
        var kind = new Kind("gpt2", BlockOrder.SEQUENTIAL);
        DecoderConfig config = config(kind, new NormConfig.Layer(1e-5), Activation.GELU_TANH, 0, 1);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config)) {
                        int[] ids = TinyModels.tokens("long", config, POSITIONS + 1);
                        var layout = RecordedModelsTest.layout(ids, ids.length);
                        var error =
                                assertThrows(
                                        ModelException.class,
                                        () -> Logits.of(decoder, layout, Adapter.OFF));
                        assertTrue(error.getMessage().contains("learned vectors of 32 positions"));
                    }
                });
    }
}
