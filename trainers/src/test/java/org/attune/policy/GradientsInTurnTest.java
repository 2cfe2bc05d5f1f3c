package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.optim.AdamW;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.OptimizerKind;
import org.attune.optim.OptimizerOptions;
import org.attune.optim.ParameterGroups;
import org.attune.optim.RecordedOptimizer;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Updating each block on the way through the backward pass gives the bits of updating all at its
/// end, in less memory.
class GradientsInTurnTest {
    private static final AdamW ADAMW = new AdamW(0.9, 0.99, 1e-8, false);
    private static final ParameterGroups DECAY = ParameterGroups.of(0.1);
    private static final double RATE = 1e-2;

    private static final List<DecoderConfig> MODELS =
            List.of(
                    TinyModels.llama(),
                    TinyModels.tiedLlama(),
                    TinyModels.qwen2(),
                    TinyModels.qwen3(),
                    TinyModels.everything(),
                    TinyModels.wideHeads(),
                    TinyModels.llama().withLabels(2));

    /// What some steps of training leave.
    private record Trained(float[] values, List<Double> norms, float[] logProbs) {
        void assertSameBits(String what, Trained other) {
            assertArrayEquals(values, other.values, 0, what);
            assertEquals(norms, other.norms, what);
            assertArrayEquals(logProbs, other.logProbs, 0, what); // of the compute copies
        }
    }

    private static TokenForest forest(DecoderConfig config, int step) {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt " + step, config, 9));
        int child = builder.child(prompt, TinyModels.tokens("child " + step, config, 6));
        if (config.scores()) {
            builder.score(child, 1);
            return builder.build();
        }
        for (int i = 0; i < 6; i++) {
            builder.target(child, i);
        }
        return builder.build();
    }

    private static void pass(Policy policy, TokenForest forest) {
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            float[] weights = new float[forest.targetCount()];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = Outcome.weight(i);
            }
            e.backward(weights);
        }
    }

    /// Updates that a test's steps make.
    private interface Updates {
        /// One step, of which it returns the gradients' norm.
        double step(Runnable pass);
    }

    private static Updates atTheEnd(FlatOptimizer optimizer) {
        return pass -> {
            optimizer.zeroGradients();
            pass.run();
            double norm = optimizer.gradientNorm();
            optimizer.step(RATE, 1);
            return norm;
        };
    }

    private static Updates inTurn(Policy policy, FlatOptimizer optimizer) {
        List<Double> squares = new ArrayList<>();
        policy.parameters()
                .whenComplete(
                        group -> {
                            assertEquals(squares.size(), group, "groups come in their order");
                            squares.add(optimizer.gradientSquares(group));
                            optimizer.update(group);
                            optimizer.zeroGradients(group);
                        });
        return pass -> {
            squares.clear();
            optimizer.begin(RATE);
            pass.run();
            assertEquals(policy.parameters().groups().size(), squares.size());
            return Math.sqrt(squares.stream().reduce(0.0, Double::sum));
        };
    }

    private static <T> T with(
            DecoderConfig config, DType dtype, boolean inTurn, Function<Policy, T> work) {
        return with(config, dtype, Outcome.DEFAULT, inTurn, work);
    }

    private static <T> T with(
            DecoderConfig config,
            DType dtype,
            Policy.Options options,
            boolean inTurn,
            Function<Policy, T> work) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, dtype);
                            Policy policy =
                                    inTurn
                                            ? Policy.withWeights(decoder, _ -> true, options, true)
                                            : Policy.withAllWeights(decoder, options)) {
                        return work.apply(policy);
                    }
                });
    }

    private static Trained train(
            DecoderConfig config, DType dtype, Policy.Options options, boolean inTurn) {
        return train(ADAMW, config, dtype, options, inTurn);
    }

    private static Trained train(
            OptimizerKind kind,
            DecoderConfig config,
            DType dtype,
            Policy.Options options,
            boolean inTurn) {
        return with(
                config,
                dtype,
                options,
                inTurn,
                policy -> {
                    try (var optimizer = new FlatOptimizer(policy.parameters(), kind, DECAY)) {
                        var updates = inTurn ? inTurn(policy, optimizer) : atTheEnd(optimizer);
                        List<Double> norms = new ArrayList<>();
                        for (int step = 0; step < 4; step++) {
                            TokenForest forest = forest(config, step);
                            norms.add(updates.step(() -> pass(policy, forest)));
                        }
                        return new Trained(
                                policy.parameters().values().toFloats(),
                                norms,
                                policy.measure(forest(config, 0), HeadRequest.of())
                                        .tokenLogProbs());
                    }
                });
    }

    @Tag("thorough")
    @Test
    void stepsGiveTheBitsOfUpdatesAtTheEnd() {
        for (DecoderConfig config : MODELS) {
            for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                Trained end = train(config, dtype, Outcome.DEFAULT, false);
                end.assertSameBits(
                        dtype + " " + config, train(config, dtype, Outcome.DEFAULT, true));
                end.assertSameBits(
                        "again " + dtype + " " + config,
                        train(config, dtype, Outcome.RECOMPUTE, true));
            }
            train(config, DType.FLOAT32, Outcome.PLAIN, false)
                    .assertSameBits(
                            "plain " + config, train(config, DType.FLOAT32, Outcome.PLAIN, true));
        }
    }

    @Test
    void soDoOtherOptimizers() {
        for (String name : List.of("adafactor", "muon", "adamw_8bit", "schedule_free_adamw")) {
            OptimizerKind kind =
                    new OptimizerOptions(RecordedOptimizer.type(name), "", 0.9, 0.99, 1e-8, 2)
                            .kind();
            DecoderConfig config = TinyModels.tiedLlama();
            if (kind.serves(Devices.usual())) {
                train(kind, config, DType.FLOAT32, Outcome.DEFAULT, false)
                        .assertSameBits(
                                name, train(kind, config, DType.FLOAT32, Outcome.DEFAULT, true));
            }
        }
    }

    private static long numbers(Policy policy, String... parts) {
        long numbers = 0;
        for (var p : policy.parameters().parameters()) {
            for (String part : parts) {
                numbers += p.name().contains(part) ? p.count() : 0;
            }
        }
        return numbers;
    }

    @Test
    void gradientsOfATiedModelTakeTheEmbeddingAndOneBlock() {
        with(
                TinyModels.tiedLlama(),
                DType.FLOAT32,
                true,
                policy -> {
                    assertEquals(
                            numbers(policy, "embed_tokens", "layers.1."),
                            policy.parameters().gradients().size());
                    return null;
                });
    }

    /// Embedding and output layer have the size of a block here or less, and never exist together.
    @Test
    void gradientsOfAModelWithAnOutputLayerTakeOneBlock() {
        with(
                TinyModels.llama(),
                DType.FLOAT32,
                true,
                policy -> {
                    assertEquals(
                            numbers(policy, "layers.0."), policy.parameters().gradients().size());
                    return null;
                });
    }

    /// Of a policy as it stands, the estimate knows which gradients there are.
    @Test
    void theEstimateCountsGradientsThatExist() {
        for (boolean inTurn : new boolean[] {false, true}) {
            with(
                    TinyModels.tiedLlama(),
                    DType.FLOAT32,
                    inTurn,
                    policy -> {
                        StepMemory memory = StepMemory.of(policy);
                        assertEquals(policy.parameters().count(), memory.trained());
                        long gradients = numbers(policy, inTurn ? "layers.1." : "layers.", "embed");
                        long norm = inTurn ? 0 : numbers(policy, "model.norm");
                        assertEquals(gradients + norm, memory.gradients());
                        return null;
                    });
        }
    }

    /// Most bytes alive while a pass goes backward, where each block has been left.
    private static long mostAlive(Policy policy, FlatOptimizer optimizer, TokenForest forest) {
        var most = new long[1];
        policy.parameters()
                .whenComplete(
                        group -> {
                            most[0] = Math.max(most[0], TensorScope.liveBytes());
                            optimizer.update(group);
                            optimizer.zeroGradients(group);
                        });
        optimizer.begin(RATE);
        pass(policy, forest);
        return most[0];
    }

    /// Eight blocks of SmolLM2's shape: a pass with everything kept is alive together with the
    /// gradients of one of them.
    @Tag("thorough")
    @Test
    void aPassIsAliveWithOneBlocksGradientsInsteadOfAll() {
        DecoderConfig config = TinyModels.smol(8, 512);
        TokenForest forest = forest(config, 0);
        long kept =
                with(
                        config,
                        DType.BFLOAT16,
                        false,
                        policy -> {
                            try (var _ = new FlatOptimizer(policy.parameters(), ADAMW, DECAY);
                                    var _ = policy.evaluate(forest, HeadRequest.of())) {
                                return TensorScope.liveBytes(); // less than at the peak
                            }
                        });
        with(
                config,
                DType.BFLOAT16,
                true,
                policy -> {
                    try (var optimizer = new FlatOptimizer(policy.parameters(), ADAMW, DECAY)) {
                        long gradients = Float.BYTES * numbers(policy, "layers.", "embed", "norm");
                        long oneBlock = Float.BYTES * numbers(policy, "layers.3.", "embed");
                        long inTurn = mostAlive(policy, optimizer, forest);
                        long spared = gradients - oneBlock;
                        assertTrue(
                                kept - inTurn > 0.97 * spared,
                                "%d to %d, spared %d".formatted(kept, inTurn, spared));
                        long after = TensorScope.liveBytes();
                        for (int step = 0; step < 3; step++) {
                            mostAlive(policy, optimizer, forest);
                        }
                        assertEquals(after, TensorScope.liveBytes(), "steps leave nothing");
                    }
                    return null;
                });
    }

    @Test
    void gradientsThatNobodyUsesAreAnError() {
        DecoderConfig config = TinyModels.llama();
        with(
                config,
                DType.FLOAT32,
                true,
                policy -> {
                    String message =
                            assertThrows(
                                            IllegalStateException.class,
                                            () -> pass(policy, forest(config, 0)))
                                    .getMessage();
                    assertTrue(message.startsWith("nobody uses gradients"), message);
                    return null;
                });
        with(
                config,
                DType.FLOAT32,
                false,
                policy ->
                        assertThrows(
                                UnsupportedOperationException.class,
                                () -> policy.parameters().whenComplete(_ -> {})));
    }
}
