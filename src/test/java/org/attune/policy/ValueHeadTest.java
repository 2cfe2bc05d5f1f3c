package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.source.FreshScore;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/// A value head on a policy's trunk, and gradients of what the head reports beside
/// log-probabilities.
class ValueHeadTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();
    private static final HeadRequest REQUEST =
            new HeadRequest(
                    Set.of(HeadStatistic.ENTROPY, HeadStatistic.VALUE),
                    0.8,
                    Set.of(HeadStatistic.ENTROPY, HeadStatistic.VALUE));

    private static FreshScore start() {
        return new FreshScore(
                TinyModels.weights(CONFIG),
                CONFIG.withLabels(1),
                0.3,
                RandomSource.XO_SHI_RO_256_PP.create(5));
    }

    private static TokenForest forest() {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt", CONFIG, 5));
        for (String name : new String[] {"a", "b"}) {
            int child = builder.child(prompt, TinyModels.tokens(name, CONFIG, 6));
            for (int t = 0; t < 6; t++) {
                builder.target(child, t);
            }
        }
        return builder.build();
    }

    private static void withPolicies(BiConsumer<Policy, ValueHead> body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT);
                            var head = new ValueHead(decoder, start())) {
                        policy.attach(head);
                        body.accept(policy, head);
                    }
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.RECOMPUTE);
                            var head = new ValueHead(decoder, start())) {
                        policy.attach(head);
                        body.accept(policy, head);
                    }
                });
    }

    @Test
    void valuesAreThoseOfAModelThatScores() {
        withPolicies(
                (policy, head) -> {
                    TokenForest forest = forest();
                    float[] values = policy.measure(forest, REQUEST).statistic(HeadStatistic.VALUE);
                    var builder = TokenForest.builder();
                    int prompt = builder.root(TinyModels.tokens("prompt", CONFIG, 5));
                    for (String name : new String[] {"a", "b"}) {
                        int child = builder.child(prompt, TinyModels.tokens(name, CONFIG, 6));
                        builder.score(prompt, 0);
                        for (int t = 0; t < 5; t++) {
                            builder.score(child, t, 0);
                        }
                    }
                    if (policy.adapter().isEmpty()) {
                        float[] scores =
                                Policy.reference(head.scorer())
                                        .measure(builder.build(), HeadRequest.of())
                                        .tokenLogProbs();
                        assertClose("values", scores, values, 1e-6, 0);
                    }
                    assertEquals(12, values.length);
                });
    }

    /// Along the gradient the loss changes by its square: `(L(θ + εg) − L(θ − εg)) / 2ε = |g|²`.
    @Test
    void gradientsOfEntropiesAndValuesEqualDifferences() {
        withPolicies(
                (policy, head) -> {
                    for (int kind = 0; kind < 3; kind++) {
                        compare(policy, head, kind);
                    }
                });
    }

    /// @param kind what the loss is of: log-probabilities, entropies or values
    private static void compare(Policy policy, ValueHead head, int kind) {
        TokenForest forest = forest();
        policy.parameters().gradients().zeroInPlace();
        head.parameters().gradients().zeroInPlace();
        int m = forest.targetCount();
        float[][] weights = new float[3][m];
        for (int i = 0; i < m; i++) {
            weights[kind][i] = 10 * Outcome.weight(i);
        }
        try (Evaluation e = policy.evaluate(forest, REQUEST)) {
            e.backward(
                    weights[0],
                    Map.of(HeadStatistic.ENTROPY, weights[1], HeadStatistic.VALUE, weights[2]));
        }
        double square = square(policy.parameters()) + square(head.parameters());
        assertTrue(square > 1e-4, "gradients of kind " + kind + " are too small: " + square);
        double step = 2e-3 / Math.sqrt(square);
        move(policy, head, step);
        double up = loss(policy, forest, weights);
        move(policy, head, -2 * step);
        double down = loss(policy, forest, weights);
        move(policy, head, step);
        assertClose("kind " + kind, square, (up - down) / (2 * step), 0, 5e-3);
    }

    private static double square(ParameterSpace space) {
        return space.gradients().square().sum().item();
    }

    private static void move(Policy policy, ValueHead head, double step) {
        for (ParameterSpace space : new ParameterSpace[] {policy.parameters(), head.parameters()}) {
            try (var _ = TensorScope.open("move")) {
                Tensor change = space.gradients().mul(step);
                space.values().addInPlace(change);
            }
            space.valuesChanged();
        }
    }

    private static double loss(Policy policy, TokenForest forest, float[][] weights) {
        Measurement now = policy.measure(forest, REQUEST);
        double loss = 0;
        for (int i = 0; i < weights[0].length; i++) {
            loss += (double) weights[0][i] * now.tokenLogProbs()[i];
            loss += (double) weights[1][i] * now.statistic(HeadStatistic.ENTROPY)[i];
            loss += (double) weights[2][i] * now.statistic(HeadStatistic.VALUE)[i];
        }
        return loss;
    }

    @Test
    void gradientsMustBeAnnounced() {
        withPolicies(
                (policy, _) -> {
                    try (Evaluation e = policy.evaluate(forest(), HeadRequest.of())) {
                        assertThrows(
                                IllegalArgumentException.class,
                                () ->
                                        e.backward(
                                                new float[12],
                                                Map.of(HeadStatistic.ENTROPY, new float[12])));
                    }
                });
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        new HeadRequest(
                                Set.of(HeadStatistic.MEAN_LOGIT),
                                1,
                                Set.of(HeadStatistic.MEAN_LOGIT)));
    }
}
