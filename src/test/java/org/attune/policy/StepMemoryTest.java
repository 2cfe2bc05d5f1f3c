package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Storage;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.Hardware;
import org.attune.testing.InterpretedJvm;
import org.attune.testing.MemoryGrowth;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.EnumSet;
import java.util.List;
import java.util.function.Consumer;

/// Steps leave no memory behind, whether they end well or not.
class StepMemoryTest {
    private static final DecoderConfig CONFIG = TinyModels.qwen3();
    private static final List<Policy.Options> WAYS =
            List.of(Outcome.DEFAULT, Outcome.RECOMPUTE, Outcome.KEEP_ATTENTION, Outcome.PLAIN);

    /// All but that of a value head, which these policies don't have.
    private static final HeadStatistic[] WITHOUT_VALUES =
            EnumSet.complementOf(
                            EnumSet.of(
                                    HeadStatistic.DIVERGENCE,
                                    HeadStatistic.MATCHED_DIVERGENCE,
                                    HeadStatistic.VALUE,
                                    HeadStatistic.STATE))
                    .toArray(HeadStatistic[]::new);

    private static Tree.Piece piece(int length) {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", CONFIG, length));
        int a = tree.child(prompt, TinyModels.tokens("a", CONFIG, length));
        int b = tree.child(prompt, TinyModels.tokens("b", CONFIG, length));
        return tree.shared(prompt, a, b);
    }

    private static void withPolicies(Device device, Consumer<Policy> body) {
        for (Policy.Options options : WAYS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder =
                                        TinyModels.decoder(CONFIG, DType.FLOAT32, device);
                                Policy policy =
                                        Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                            body.accept(policy);
                        }
                        try (var _ = TensorScope.open("test");
                                Decoder decoder =
                                        TinyModels.decoder(CONFIG, DType.FLOAT32, device);
                                Policy policy = Policy.withAllWeights(decoder, options)) {
                            body.accept(policy);
                        }
                    });
        }
    }

    private static void step(Policy policy, Tree.Piece piece) {
        Outcome.of(policy, List.of(piece), HeadRequest.of(WITHOUT_VALUES));
        policy.parameters().valuesChanged();
        policy.measure(piece.forest(), HeadRequest.of());
    }

    @Test
    void liveTensorsAreTheSameAfterStep2AndStep12() {
        long before = Engine.call(TensorScope::liveTensors);
        withPolicies(
                Devices.usual(),
                policy -> {
                    step(policy, piece(9));
                    step(policy, piece(10));
                    long bytes = TensorScope.liveBytes();
                    long tensors = TensorScope.liveTensors();
                    for (int i = 2; i < 12; i++) {
                        step(policy, piece(9 + i));
                    }
                    assertEquals(bytes, TensorScope.liveBytes());
                    assertEquals(tensors, TensorScope.liveTensors());
                });
        assertEquals(before, Engine.call(TensorScope::liveTensors), "after closing everything");
    }

    /// Weights in few bits: of bytes by digits, where the processor multiplies these.
    @ParameterizedTest
    @EnumSource(
            value = Storage.class,
            names = {"INT8", "NF4_DOUBLE"})
    void stepsOnWeightsInFewBitsGiveEverythingBack(Storage storage) {
        Hardware.requireProcessor();
        var attention = new AttentionConfig(4, 2, 16, false, false, false, List.of(0, 0));
        DecoderConfig config = TinyModels.sized("llama", 64, 96, 31, 2, attention, false, true);
        long before = Engine.call(TensorScope::liveTensors);
        for (Policy.Options options : List.of(Outcome.DEFAULT, Outcome.RECOMPUTE)) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder =
                                        Decoder.load(
                                                config,
                                                TinyModels.weights(config),
                                                Device.cpu(),
                                                DType.FLOAT32,
                                                storage);
                                Policy policy =
                                        Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                            step(policy, piece(9));
                            step(policy, piece(10));
                            long bytes = TensorScope.liveBytes();
                            long tensors = TensorScope.liveTensors();
                            for (int i = 2; i < 12; i++) {
                                step(policy, piece(9 + i));
                            }
                            assertEquals(bytes, TensorScope.liveBytes());
                            assertEquals(tensors, TensorScope.liveTensors());
                        }
                    });
        }
        assertEquals(before, Engine.call(TensorScope::liveTensors), "after closing everything");
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void exceptionsInMidStepLeaveNoTensors(Device device) {
        Tree.Piece piece = piece(24);
        withPolicies(
                device,
                policy -> {
                    step(policy, piece);
                    long bytes = TensorScope.liveBytes();
                    long tensors = TensorScope.liveTensors();
                    fail(policy, piece);
                    assertEquals(bytes, TensorScope.liveBytes());
                    assertEquals(tensors, TensorScope.liveTensors());
                    step(policy, piece); // still works
                });
    }

    @Test
    @Tag("slow")
    void fifteenHundredExceptionsInMidStepLeaveNothing() {
        Hardware.requireGlibc();
        InterpretedJvm.run(MidStep.class).assertFine();
    }

    /// Five exceptions fifty times in each of six policies: 1500.
    static final class MidStep {
        private MidStep() {}

        public static void main(String[] arguments) {
            Tree.Piece piece = piece(24);
            withPolicies(
                    Device.cpu(),
                    policy ->
                            MemoryGrowth.of(10, 40, () -> fail(policy, piece))
                                    .assertNone("five exceptions in mid-step"));
        }
    }

    /// One exception at each stage of a step.
    private static void fail(Policy policy, Tree.Piece piece) {
        HeadRequest request = HeadRequest.of();
        int outside = CONFIG.vocabSize();
        var tokens = TokenForest.builder();
        tokens.target(tokens.root(new int[] {1, outside, 2}), 2);
        assertThrows(ShapeException.class, () -> policy.evaluate(tokens.build(), request));
        // Only the target is outside the vocabulary: the embedding never sees it.
        var targets = TokenForest.builder();
        int root = targets.root(TinyModels.tokens("root", CONFIG, 60));
        targets.target(targets.child(root, new int[] {outside}), 0);
        TokenForest wrongTarget = targets.build();
        assertThrows(ShapeException.class, () -> policy.evaluate(wrongTarget, request));
        assertThrows(
                IllegalArgumentException.class,
                () -> {
                    try (Evaluation e = policy.evaluate(piece.forest(), request)) {
                        e.measurement().statistic(HeadStatistic.ENTROPY);
                    }
                });
        assertThrows(
                ShapeException.class,
                () -> {
                    try (Evaluation e = policy.evaluate(piece.forest(), request)) {
                        e.backward(new float[piece.keys().length + 1]);
                    }
                });
        assertThrows(
                IllegalStateException.class,
                () -> {
                    try (Evaluation e = policy.evaluate(piece.forest(), request)) {
                        e.tokenLogProbs();
                        e.backward();
                    }
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void exceptionsInsideABlockLeaveNoTensors(Device device) {
        inBrokenPolicies(
                device,
                fail -> {
                    long bytes = TensorScope.liveBytes();
                    long tensors = TensorScope.liveTensors();
                    fail.run();
                    assertEquals(bytes, TensorScope.liveBytes());
                    assertEquals(tensors, TensorScope.liveTensors());
                });
    }

    @Test
    @Tag("slow")
    void fiveHundredExceptionsInsideABlockLeaveNothing() {
        Hardware.requireGlibc();
        InterpretedJvm.run(InsideABlock.class).assertFine();
    }

    /// 170 exceptions in three policies: 510.
    static final class InsideABlock {
        private InsideABlock() {}

        public static void main(String[] arguments) {
            inBrokenPolicies(
                    Device.cpu(),
                    fail ->
                            MemoryGrowth.of(20, 150, fail)
                                    .assertNone("an exception inside a block"));
        }
    }

    /// Closes a weight that the second block needs, so that every later pass fails in its middle,
    /// and gives `body` such a pass.
    private static void inBrokenPolicies(Device device, Consumer<Runnable> body) {
        Tree.Piece piece = piece(24);
        HeadRequest request = HeadRequest.of();
        for (Policy.Options options : WAYS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder =
                                        TinyModels.decoder(CONFIG, DType.FLOAT32, device);
                                Policy policy = Policy.withAllWeights(decoder, options);
                                Evaluation e = policy.evaluate(piece.forest(), request)) {
                            decoder.llamaBlocks()
                                    .orElseThrow()
                                    .get(1)
                                    .postNorm()
                                    .weight()
                                    .base()
                                    .close();
                            float[] weights = new float[piece.keys().length];
                            assertThrows(IllegalStateException.class, () -> e.backward(weights));
                            body.accept(
                                    () ->
                                            assertThrows(
                                                    IllegalStateException.class,
                                                    () ->
                                                            policy.evaluate(
                                                                    piece.forest(), request)));
                        }
                    });
        }
    }
}
