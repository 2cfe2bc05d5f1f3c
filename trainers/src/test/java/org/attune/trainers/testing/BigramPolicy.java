package org.attune.trainers.testing;

import org.attune.optim.FlatParameters;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Scorer;
import org.attune.policy.TokenForest;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A language model small enough to check by hand: the next token depends on the last one alone,
/// through a table of `V × V` logits, which is what is trained. Computed on the host.
public final class BigramPolicy implements CausalPolicy {
    private final int vocabulary;
    private final FlatParameters parameters;
    private int poisoned = -1;
    private int tokensForward;

    public BigramPolicy(int vocabulary, float[] logits) {
        this.vocabulary = vocabulary;
        parameters =
                new FlatParameters(
                        List.of(
                                new ParameterSpace.Parameter(
                                        "table", new long[] {vocabulary, vocabulary}, 0, true)),
                        logits);
    }

    /// A table of reproducible values in -1…1.
    public static BigramPolicy seeded(int vocabulary, int seed) {
        float[] logits = new float[vocabulary * vocabulary];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.sin(12.9898 * (i + 1) + 78.233 * seed);
        }
        return new BigramPolicy(vocabulary, logits);
    }

    @Override
    public void startStep(long number) {
        // nothing is drawn
    }

    /// Every target that is this token or follows it gets log-probability NaN from now on.
    public void poison(int token) {
        poisoned = token;
    }

    /// Tokens that forward passes have seen.
    int tokensForward() {
        return tokensForward;
    }

    /// The same model as it is now, frozen.
    public Scorer frozen() {
        float[] now = parameters.values().toFloats();
        return (forest, request) -> measure(forest, request, now);
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        return measure(forest, request, parameters.values().toFloats());
    }

    private Measurement measure(TokenForest forest, HeadRequest request, float[] table) {
        tokensForward += forest.size();
        int targets = forest.targetCount();
        float[] logProbs = new float[targets];
        float[] entropy = new float[targets];
        float[] hits = new float[targets];
        float[] means = new float[targets];
        float[] squares = new float[targets];
        float[] sums = new float[targets];
        for (int t = 0; t < targets; t++) {
            int token = forest.targetTokens()[t];
            double[] p = probabilities(table, source(forest, t));
            int source = source(forest, t);
            boolean isPoisoned = token == poisoned || source == poisoned;
            logProbs[t] = isPoisoned ? Float.NaN : (float) Math.log(p[token]);
            int base = source * vocabulary;
            int best = 0;
            for (int v = 0; v < vocabulary; v++) {
                entropy[t] -= (float) (p[v] * Math.log(p[v]));
                means[t] += table[base + v] / vocabulary;
                sums[t] += table[base + v];
                squares[t] += (float) (p[v] * p[v]);
                best = p[v] > p[best] ? v : best;
            }
            hits[t] = best == token ? 1 : 0;
            squares[t] = (float) Math.log(squares[t]);
        }
        Map<HeadStatistic, float[]> all =
                new EnumMap<>(
                        Map.of(
                                HeadStatistic.ENTROPY, entropy,
                                HeadStatistic.TOP_ENTROPY, entropy, // of up to 20 tokens
                                HeadStatistic.ARGMAX_HIT, hits,
                                HeadStatistic.MEAN_LOGIT, means,
                                HeadStatistic.SUM_LOGIT, sums,
                                HeadStatistic.LOG_SUM_SQUARED_PROBS, squares));
        if (request.statistics().contains(HeadStatistic.STATE)) {
            all.put(HeadStatistic.STATE, states(forest, table));
        }
        all.keySet().retainAll(request.statistics());
        return new Measurement(logProbs, all);
    }

    /// The logits of each target's source.
    private float[] states(TokenForest forest, float[] table) {
        float[] states = new float[forest.targetCount() * vocabulary];
        for (int t = 0; t < forest.targetCount(); t++) {
            int source = source(forest, t);
            for (int v = 0; v < vocabulary; v++) {
                states[t * vocabulary + v] =
                        source == poisoned ? Float.NaN : table[source * vocabulary + v];
            }
        }
        return states;
    }

    private static int source(TokenForest forest, int target) {
        return forest.tokens()[forest.targetSources()[target]];
    }

    private double[] probabilities(float[] table, int source) {
        double[] e =
                IntStream.range(0, vocabulary)
                        .mapToDouble(v -> Math.exp(table[source * vocabulary + v]))
                        .toArray();
        double sum = Arrays.stream(e).sum();
        return Arrays.stream(e).map(x -> x / sum).toArray();
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        float[] table = parameters.values().toFloats();
        Measurement measurement = measure(forest, request, table);
        return new Evaluation() {
            @Override
            public Tensor tokenLogProbs() {
                throw new UnsupportedOperationException("objectives here use the host");
            }

            @Override
            public Measurement measurement() {
                return measurement;
            }

            @Override
            public void backward() {
                throw new UnsupportedOperationException("objectives here use the host");
            }

            @Override
            public void backward(float[] slopes, Map<HeadStatistic, float[]> statistics) {
                float[] gradients = parameters.gradients().toFloats();
                float[] entropy = statistics.get(HeadStatistic.ENTROPY);
                float[] state = statistics.get(HeadStatistic.STATE);
                for (int t = 0; t < slopes.length; t++) {
                    int source = source(forest, t);
                    double[] p = probabilities(table, source);
                    for (int v = 0; v < vocabulary; v++) {
                        double one = v == forest.targetTokens()[t] ? 1 : 0;
                        gradients[source * vocabulary + v] += (float) (slopes[t] * (one - p[v]));
                        if (state != null) {
                            gradients[source * vocabulary + v] += state[t * vocabulary + v];
                        }
                        if (entropy != null) { // ∂H/∂z = −p (log p + H)
                            double h = measurement.statistic(HeadStatistic.ENTROPY)[t];
                            gradients[source * vocabulary + v] -=
                                    (float) (entropy[t] * p[v] * (Math.log(p[v]) + h));
                        }
                    }
                }
                parameters.setGradients(gradients);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public ParameterSpace parameters() {
        return parameters;
    }

    @Override
    public void close() {
        parameters.close();
    }
}
