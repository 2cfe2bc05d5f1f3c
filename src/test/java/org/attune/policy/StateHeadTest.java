package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.model.layer.Decoder;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;

class StateHeadTest {
    private static final int[] IDS = {1, 7, 3, 12, 5};

    private static TokenForest forest() {
        TokenForest.Builder builder = TokenForest.builder();
        int root = builder.root(IDS);
        builder.score(root, 1, 0);
        builder.score(root, 0);
        return builder.build();
    }

    /// A score is the product of a hidden state with the head's row, so what a score's gradient is
    /// to the blocks, that row is as a slope of the state.
    @Test
    void statesAreWhatScoresAreMadeOfForwardAndBackward() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.llama().withLabels(1));
                            Policy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        float[] row = decoder.output().weight().base().toFloats(); // (D)
                        float[] scores;
                        try (var e = policy.evaluate(forest(), HeadRequest.of())) {
                            scores = e.measurement().tokenLogProbs();
                            e.backward(new float[] {2, -1});
                        }
                        float[] byScores = blocks(policy);
                        policy.parameters().gradients().zeroInPlace();
                        try (var e = policy.evaluate(forest(), HeadRequest.ofStates())) {
                            float[] states = e.measurement().statistic(HeadStatistic.STATE);
                            assertEquals(2 * row.length, states.length);
                            assertEquals(scores[0], dot(states, 0, row), 1e-5);
                            assertEquals(scores[1], dot(states, row.length, row), 1e-5);
                            float[] slopes = new float[states.length];
                            for (int k = 0; k < row.length; k++) {
                                slopes[k] = 2 * row[k];
                                slopes[row.length + k] = -row[k];
                            }
                            e.backward(new float[2], Map.of(HeadStatistic.STATE, slopes));
                        }
                        assertArrayEquals(byScores, blocks(policy), 1e-5f);
                    }
                });
    }

    /// Gradients of all but the score head.
    private static float[] blocks(Policy policy) {
        float[] all = policy.parameters().gradients().toFloats();
        for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
            if (p.name().startsWith("score")) {
                Arrays.fill(all, (int) p.offset(), (int) (p.offset() + p.count()), 0);
            }
        }
        return all;
    }

    private static double dot(float[] states, int from, float[] row) {
        double sum = 0;
        for (int k = 0; k < row.length; k++) {
            sum += states[from + k] * row[k];
        }
        return sum;
    }

    @Test
    void statesStandAlone() {
        var request = new HeadRequest(Set.of(HeadStatistic.STATE, HeadStatistic.ENTROPY), 1);
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.llama());
                            Policy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> policy.measure(forest(), request));
                    }
                });
    }
}
