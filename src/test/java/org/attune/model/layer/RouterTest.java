package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig.Scores;
import org.attune.model.config.ExpertsConfig.RouterConfig.Weights;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/// Choice and weights of experts against hand-worked numbers and a loop in double.
class RouterTest {
    private static final Weights DEEPSEEK = new Weights(true, 1e-20, 0, 2.5);

    private static RouterConfig config(Scores scores, boolean corrected, Weights weights) {
        return new RouterConfig(scores, false, corrected, 1, 1, weights, false);
    }

    /// A router whose logits are its input.
    private static Router router(
            TensorScope scope, RouterConfig config, int k, float... correction) {
        int experts = correction.length;
        var part = new FusedLinear.Part("router", 0, experts, false);
        var linear =
                new FusedLinear(scope, List.of(part), experts, Device.cpu(), DType.FLOAT32, false);
        float[] one = new float[experts * experts];
        for (int i = 0; i < experts; i++) {
            one[i * experts + i] = 1;
        }
        linear.weight(0).copyInPlace(Tensor.of(Device.cpu(), one, experts, experts));
        Optional<Weight> own =
                config.corrected()
                        ? Optional.of(new Weight("c", Tensor.of(Device.cpu(), correction, experts)))
                        : Optional.empty();
        return new Router(linear, own, config, k);
    }

    private record Result(int[] chosen, float[] weights, float[] gradient) {}

    /// @param up gradient of each weight, the same in each row
    private static Result route(
            RouterConfig config, int k, float[] correction, float[] logits, float... up) {
        return Engine.call(
                () -> {
                    int experts = correction.length;
                    int rows = logits.length / experts;
                    try (var scope = TensorScope.open("test")) {
                        Router router = router(scope, config, k, correction);
                        Tensor x =
                                Tensor.of(Device.cpu(), logits, rows, experts)
                                        .requireGradient(true);
                        Router.Routed routed;
                        try (var _ = Autograd.enabled()) {
                            routed = router.route(x, (l, in) -> in.linear(l.weight(0)));
                            float[] all = new float[rows * k];
                            for (int i = 0; i < all.length; i++) {
                                all[i] = up[i % k];
                            }
                            routed.weights().backward(Tensor.of(Device.cpu(), all, rows, k));
                        }
                        return new Result(
                                routed.rows().chosen(),
                                routed.weights().detach().contiguous().toFloats(),
                                x.gradient().toFloats());
                    }
                });
    }

    private static void assertRouted(Result r, int[] chosen, double... weights) {
        assertArrayEquals(chosen, r.chosen());
        for (int i = 0; i < weights.length; i++) {
            assertEquals(weights[i], r.weights()[i], 1e-6);
        }
    }

    /// Logits ln 1, ln 2, ln 4, ln 3: shares .1, .2, .4, .3.
    private static final float[] TENTHS = {
        0, (float) Math.log(2), (float) Math.log(4), (float) Math.log(3)
    };

    @Test
    void softmaxSharesAndTheirSum() {
        float[] none = new float[4];
        float[] up = {1, 0};
        assertRouted(
                route(RouterConfig.softmax(false), 2, none, TENTHS, up),
                new int[] {2, 3},
                0.4,
                0.3);
        assertRouted(
                route(RouterConfig.softmax(true), 2, none, TENTHS, up),
                new int[] {2, 3},
                4 / 7.0,
                3 / 7.0);
    }

    /// 0.1 + 0.5 is the best, but weighs 0.1; a floor of 1 leaves the sum 0.5 at 1.
    @Test
    void aCorrectionChoosesAndDoesntWeigh() {
        float[] correction = {0.5f, 0, 0, -0.5f};
        var config = config(new Scores.Softmax(), true, new Weights(true, 0, 1, 1));
        assertRouted(route(config, 2, correction, TENTHS, 1, 0), new int[] {0, 2}, 0.1, 0.4);
        var plain = config(new Scores.Softmax(), true, new Weights(true, 0, 1e-12, 1));
        assertRouted(route(plain, 2, correction, TENTHS, 1, 0), new int[] {0, 2}, 0.2, 0.8);
    }

    /// Groups (0, 1) with 0.9 + 0.05, (2, 3) with 0.6 + 0.4: the second is better though expert 0
    /// is the best. All corrections are −1, so that 0 in the place of −∞ would win.
    @Test
    void groupsAreAsGoodAsTheirBestTwo() {
        float[] logits = {logit(0.9), logit(0.05), logit(0.6), logit(0.4), logit(0.2), logit(0.3)};
        float[] correction = {-1, -1, -1, -1, -1, -1};
        var config = new RouterConfig(new Scores.Sigmoid(), false, true, 3, 1, DEEPSEEK, false);
        assertRouted(route(config, 2, correction, logits, 1, 0), new int[] {2, 3}, 1.5, 1);
    }

    private static float logit(double p) {
        return (float) Math.log(p / (1 - p));
    }

    /// Sigmoids of both logits are 1 in float32.
    @Test
    void saturatedSigmoidsAreChosenByLogits() {
        var config = config(new Scores.Sigmoid(), false, Weights.PLAIN);
        assertRouted(route(config, 1, new float[2], new float[] {20, 30}, 1), new int[] {1}, 1);
    }

    /// With a jitter of 0.05, 1.9 is within a tenth of 2, 1.7 is not. Without 2, 1.7 is not within
    /// a tenth of 1.9 either.
    @Test
    void aSparseMixerWeighsThoseThatAreNear() {
        var config = config(new Scores.SparseMixer(0.05), false, Weights.PLAIN);
        float[] logits = {1.7f, 2, 1.9f, -3};
        assertRouted(
                route(config, 2, new float[4], logits, 1, 0),
                new int[] {1, 2},
                1 / (1 + Math.exp(-0.1)),
                1);
    }

    @Test
    void gradientsEqualDifferencesOfALoopInDouble() {
        var random = new Random(7);
        List<RouterConfig> kinds =
                List.of(
                        RouterConfig.softmax(false),
                        RouterConfig.softmax(true),
                        config(new Scores.Softmax(), true, new Weights(true, 0, 0.9, 1)),
                        config(new Scores.Sigmoid(), true, Weights.SHARES),
                        config(new Scores.Sigmoid(), false, Weights.PLAIN),
                        new RouterConfig(new Scores.Sigmoid(), false, true, 4, 2, DEEPSEEK, false),
                        config(new Scores.SparseMixer(0.3), false, Weights.PLAIN));
        for (RouterConfig kind : kinds) {
            float[] correction = new float[8];
            float[] logits = new float[5 * 8];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = (float) random.nextGaussian();
                correction[i % 8] = kind.corrected() ? (float) random.nextGaussian() : 0;
            }
            float[] up = {0.7f, -1.3f};
            Result r = route(kind, 2, correction, logits, up);
            double[] expected = new double[logits.length];
            for (int i = 0; i < logits.length; i++) {
                double[] moved = doubles(Arrays.copyOfRange(logits, i / 8 * 8, i / 8 * 8 + 8));
                int[] chosen = Arrays.copyOfRange(r.chosen(), i / 8 * 2, i / 8 * 2 + 2);
                moved[i % 8] += 1e-6;
                double above = weighed(kind, moved, chosen, up);
                moved[i % 8] -= 2e-6;
                expected[i] = (above - weighed(kind, moved, chosen, up)) / 2e-6;
            }
            for (int i = 0; i < logits.length; i++) {
                assertClose(kind + " " + i, expected[i], r.gradient()[i], 1e-6, 1e-5);
            }
        }
    }

    private static double[] doubles(float[] values) {
        double[] all = new double[values.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = values[i];
        }
        return all;
    }

    /// Weights of given experts, times `up`.
    private static double weighed(RouterConfig kind, double[] s, int[] chosen, float[] up) {
        double[] w = new double[chosen.length];
        for (int i = 0; i < w.length; i++) {
            double own = s[chosen[i]];
            w[i] =
                    switch (kind.scores()) {
                        case Scores.Sigmoid _ -> 1 / (1 + Math.exp(-own));
                        case Scores.Softmax _ -> {
                            double sum = 0;
                            for (double other : s) {
                                sum += Math.exp(other - own);
                            }
                            yield 1 / sum;
                        }
                        case Scores.SparseMixer(double jitter) -> {
                            double sum = 0;
                            for (int e = 0; e < s.length; e++) {
                                boolean gone = i > 0 && e == chosen[0];
                                double factor = Math.max(Math.abs(s[e]), own);
                                if (!gone && (own - s[e]) / factor <= 2 * jitter) {
                                    sum += Math.exp(s[e] - own);
                                }
                            }
                            yield 1 / sum;
                        }
                    };
        }
        double sum = Arrays.stream(w).sum();
        double over = kind.weights().renormalised() ? Math.max(sum, kind.weights().floor()) : 1;
        double all = 0;
        for (int i = 0; i < w.length; i++) {
            all += up[i] * w[i] / over * kind.weights().scale();
        }
        return all;
    }
}
