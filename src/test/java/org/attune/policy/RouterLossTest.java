package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.layer.Decoder;
import org.attune.model.layer.ExpertLoad;
import org.attune.model.layer.RouterWatch;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// The loss that balances experts: by hand, and its gradients against differences.
class RouterLossTest {
    private static final Policy.Options OPTIONS = Outcome.DEFAULT.withRouterLoss(1);

    /// Softmax of logits ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8.
    @Test
    void aLoadIsCountedBySequence() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        float two = (float) Math.log(2);
                        float five = (float) Math.log(5);
                        float[] logits = {0, two, five, five, 0, two, two, five, 0};
                        Tensor all = Tensor.of(Device.cpu(), logits, 3, 3);
                        var watch = new RouterWatch(new int[] {0, 1, 1}, 2);
                        watch.count(all, 2);
                        watch.count(all, 2);
                        watch.endForward();
                        watch.count(all, 2);
                        ExpertLoad first = watch.loads().get(0);
                        ExpertLoad second = watch.loads().get(1);
                        assertArrayEquals(new double[] {0, 2, 2}, first.chosen());
                        assertClose(first.probabilities(), 0.25, 0.5, 1.25);
                        assertEquals(2, first.rows());
                        assertArrayEquals(new double[] {4, 2, 2}, second.chosen());
                        assertClose(second.probabilities(), 1.75, 1.5, 0.75);
                        // 3 · (1 · 0.25 + 1 · 0.625), and of all: 3 · (4·2 + 4·2 + 4·2) / 36
                        assertEquals(3 * (0.25 + 0.625), first.loss(), 1e-6);
                        assertEquals(2, first.plus(second).loss(), 1e-6);
                        assertArrayEquals(new double[] {0, 1.5, 1.5}, first.slopes(), 1e-12);
                    }
                });
    }

    private static void assertClose(double[] actual, double... expected) {
        assertArrayEquals(expected, actual, 1e-6);
    }

    @Test
    void equalExpertsAreTheLeastLoss() {
        var load = new ExpertLoad(new double[] {5, 5, 5, 5}, new double[] {2.5, 2.5, 2.5, 2.5}, 10);
        assertEquals(2, load.loss(), 1e-12);
        assertEquals(0, ExpertLoad.none().loss());
    }

    @Test
    void tokensWithoutTargetsHaveRows() {
        var builder = TokenForest.builder();
        int first = builder.root(new int[] {1, 2, 3});
        builder.root(new int[] {4, 5});
        int child = builder.child(first, new int[] {6, 7, 8});
        builder.target(child, 1);
        TokenForest forest = builder.build();
        assertArrayEquals(new int[] {1, 2, 3, 6}, forest.tokens());
        TokenForest whole = forest.whole();
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, whole.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 0, 1, 3, 4, 5}, whole.positions());
        assertArrayEquals(new int[] {5}, whole.targetSources());
        assertArrayEquals(new int[] {7}, whole.targetTokens());
        assertEquals(whole, whole.whole());
    }

    @Test
    void gradientsEqualFiniteDifferences() {
        for (Policy.Options options :
                List.of(
                        OPTIONS.withRecomputed(Outcome.RECOMPUTE.recomputed()),
                        Outcome.PLAIN.withRouterLoss(1))) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                Decoder decoder = TinyModels.decoder(TinyModels.mixture());
                                Policy policy = Policy.withAllWeights(decoder, options)) {
                            compare(policy);
                        }
                    });
        }
    }

    private static void compare(Policy policy) {
        TokenForest forest = RecordedModelsTest.rows(new int[] {3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, 5);
        List<double[]> slopes = new ArrayList<>();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            Measurement said = e.measurement();
            assertEquals(2, said.loads().size());
            assertEquals(10, said.loads().getFirst().rows());
            for (int s = 0; s < 2; s++) {
                double[] own = new double[6];
                for (int x = 0; x < own.length; x++) {
                    own[x] = Math.sin(3 * s + x);
                }
                slopes.add(own);
            }
            e.balance(slopes);
            e.backward(new float[said.tokenLogProbs().length]);
        }
        float[] gradients = policy.parameters().gradients().toFloats();
        for (int i = 57; i < gradients.length; i += gradients.length / 9) {
            double h = 1e-2;
            double slope =
                    (term(policy, forest, slopes, i, h) - term(policy, forest, slopes, i, -h))
                            / (2 * h);
            assertEquals(slope, gradients[i], 2e-3 + 0.02 * Math.abs(slope), "parameter " + i);
        }
    }

    private static double term(
            Policy policy, TokenForest forest, List<double[]> slopes, int i, double h) {
        Tensor value = policy.parameters().values().narrow(0, i, 1);
        Tensor before = value.copy();
        value.copyInPlace(before.add(h));
        policy.parameters().valuesChanged();
        double sum = 0;
        List<ExpertLoad> loads = policy.measure(forest, HeadRequest.of()).loads();
        for (int s = 0; s < loads.size(); s++) {
            for (int e = 0; e < slopes.get(s).length; e++) {
                sum += slopes.get(s)[e] * loads.get(s).probabilities()[e];
            }
        }
        value.copyInPlace(before);
        policy.parameters().valuesChanged();
        return sum;
    }
}
