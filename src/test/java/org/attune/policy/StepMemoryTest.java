package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.attune.model.Decoder;
import org.attune.model.DecoderConfig;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.ProcessMemory;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.function.Consumer;

/// Steps leave no memory behind, whether they end well or not.
class StepMemoryTest {
    private static final int HANDED_OUT_KIB = 3 << 10;

    /// Wide, since the Java heap takes pages of its own; `malloc`'s count is the exact one.
    private static final int RESIDENT_KIB = 192 << 10;
    private static final int ATTEMPTS = 4;

    private static final DecoderConfig CONFIG = TinyModels.qwen3();
    private static final List<Policy.Options> WAYS =
            List.of(Outcome.DEFAULT, Outcome.RECOMPUTE, Outcome.PLAIN);

    private static Tree.Piece piece(int length) {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", CONFIG, length));
        int a = tree.child(prompt, TinyModels.tokens("a", CONFIG, length));
        int b = tree.child(prompt, TinyModels.tokens("b", CONFIG, length));
        return tree.shared(prompt, a, b);
    }

    private static void withPolicies(Consumer<Policy> body) {
        for (Policy.Options options : WAYS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(CONFIG);
                                Policy policy =
                                        Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                            body.accept(policy);
                        }
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(CONFIG);
                                Policy policy = Policy.withAllWeights(decoder, options)) {
                            body.accept(policy);
                        }
                    });
        }
    }

    private static void step(Policy policy, Tree.Piece piece) {
        Outcome.of(policy, List.of(piece), HeadRequest.of(HeadStatistic.values()));
        policy.parameters().valuesChanged();
        policy.measure(piece.forest(), HeadRequest.of());
    }

    @Test
    void liveTensorsAreTheSameAfterStep2AndStep12() {
        long before = Engine.call(TensorScope::liveTensors);
        withPolicies(
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

    @Test
    @Tag("slow")
    void memoryIsFlatOver200Steps() {
        Tree.Piece piece = piece(24);
        withPolicies(
                policy -> {
                    repeat(20, () -> step(policy, piece));
                    assertFlat(() -> repeat(200, () -> step(policy, piece)));
                });
    }

    /// Runs `work` until the process holds no more after it than before: the JVM's compilers and
    /// its heap grow now and then, but a leak grows every time.
    private static void assertFlat(Runnable work) {
        String line = "";
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            ProcessMemory.settle();
            long handedOut = ProcessMemory.nativeBytes();
            long resident = ProcessMemory.residentBytes();
            work.run();
            ProcessMemory.settle();
            long handed = (ProcessMemory.nativeBytes() - handedOut) >> 10;
            long grown = (ProcessMemory.residentBytes() - resident) >> 10;
            if (handed < HANDED_OUT_KIB && grown < RESIDENT_KIB) {
                return;
            }
            line += " malloc's memory grew by %d KiB, resident by %d;".formatted(handed, grown);
        }
        throw new AssertionError("each time:" + line);
    }

    @Test
    void exceptionsInMidStepLeaveNothing() {
        Tree.Piece piece = piece(24);
        withPolicies(
                policy -> {
                    step(policy, piece);
                    fail(policy, piece);
                    long bytes = TensorScope.liveBytes();
                    long tensors = TensorScope.liveTensors();
                    // Five exceptions each: 510 in the six policies.
                    assertFlat(() -> repeat(17, () -> fail(policy, piece)));
                    assertEquals(bytes, TensorScope.liveBytes());
                    assertEquals(tensors, TensorScope.liveTensors());
                    step(policy, piece); // still works
                });
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

    @Test
    void exceptionsInsideABlockLeaveNothing() {
        Tree.Piece piece = piece(24);
        for (Policy.Options options : WAYS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(CONFIG);
                                Policy policy = Policy.withAllWeights(decoder, options)) {
                            try (Evaluation e = policy.evaluate(piece.forest(), HeadRequest.of())) {
                                failInBlocks(policy, decoder, e, piece);
                            }
                        }
                    });
        }
    }

    /// Closes a weight that the second block needs, so that every later pass fails in its middle.
    private static void failInBlocks(
            Policy policy, Decoder decoder, Evaluation open, Tree.Piece piece) {
        Tensor weight = decoder.blocks().get(1).postNorm().weight().base();
        weight.close();
        float[] weights = new float[piece.keys().length];
        assertThrows(IllegalStateException.class, () -> open.backward(weights));
        Runnable fail =
                () ->
                        assertThrows(
                                IllegalStateException.class,
                                () -> policy.evaluate(piece.forest(), HeadRequest.of()));
        fail.run();
        long bytes = TensorScope.liveBytes();
        long tensors = TensorScope.liveTensors();
        assertFlat(() -> repeat(500, fail));
        assertEquals(bytes, TensorScope.liveBytes());
        assertEquals(tensors, TensorScope.liveTensors());
    }

    private static void repeat(int times, Runnable work) {
        for (int i = 0; i < times; i++) {
            work.run();
        }
    }
}
