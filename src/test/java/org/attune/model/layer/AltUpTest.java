package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.config.Activation;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

/// Copies of the residual stream, the learned residual and closed gates, against numbers by hand.
class AltUpTest {
    private static final double EPSILON = 1e-5;
    private static final float[] ZEROS = new float[4];

    /// Weights as they are.
    private static final Expression PLAIN =
            new Expression() {
                @Override
                public Tensor of(FusedLinear linear, Tensor x) {
                    return x.linear(linear.weight(0));
                }

                @Override
                public Tensor value(Weight weight) {
                    return weight.base();
                }

                @Override
                public void routed(Tensor logits, int chosen) {}
            };

    private TensorScope scope;

    private void run(Runnable check) {
        Engine.run(
                () -> {
                    try (var open = TensorScope.open("test")) {
                        scope = open;
                        check.run();
                    }
                });
    }

    private static Tensor row(float... values) {
        return Tensor.of(Device.cpu(), values, 1, values.length);
    }

    private FusedLinear linear(int out, int in, float... weights) {
        var part = new FusedLinear.Part("it", 0, out, false);
        var linear = new FusedLinear(scope, List.of(part), in, Device.cpu(), DType.FLOAT32, false);
        linear.weight(0).copyInPlace(Tensor.of(Device.cpu(), weights, out, in));
        return linear;
    }

    private static Norm norm() {
        return new RmsNorm(weight(1, 1), 1e-9, 0);
    }

    private static Weight weight(float... values) {
        return new Weight("it", Tensor.of(Device.cpu(), values, values.length));
    }

    /// Two copies of two numbers; the projections exchange and shrink the numbers.
    private AltUp altUp(int active, FusedLinear prediction, FusedLinear correction) {
        return new AltUp(
                2,
                active,
                Optional.of(List.of(linear(2, 2, 0, 0.1f, 0.1f, 0))),
                Optional.of(List.of(linear(2, 2, 0.1f, 0, 0, 0.1f))),
                linear(2, 2, 1, 0, 0, 1),
                norm(),
                prediction,
                correction,
                weight(0.5f, 2),
                true);
    }

    private static void assertRow(double[] expected, Tensor got) {
        float[] values = got.toFloats();
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        assertArrayEquals(expected, doubles, EPSILON);
    }

    /// (3, 4) and its copy (4, 3); the block doubles the first, and the copy learns (3, 4) of it
    /// and (1, 1) of the layer's vector; (8, 8) shortened to the length of (6, 8) is (7.07, 7.07).
    @Test
    void copiesLearnWhatTheBlockAddsAndTheirMeanComesOut() {
        run(
                () -> {
                    AltUp copies = altUp(0, linear(4, 2, new float[8]), linear(2, 2, ZEROS));
                    Tensor out =
                            copies.around(
                                    row(3, 4),
                                    x -> x.mul(2),
                                    read -> {
                                        assertRow(new double[] {3, 16}, read); // (6, 8) weighed
                                        return Optional.of(row(1, 1));
                                    },
                                    PLAIN);
                    double length = Math.sqrt(50);
                    assertRow(new double[] {(6 + length) / 2, (8 + length) / 2}, out);
                });
    }

    /// P_01 = m_0 alone mixes, and c_1 = m_1 alone corrects.
    @Test
    void mixturesHaveTheirPlaces() {
        run(
                () -> {
                    AltUp whole =
                            altUp(
                                    0,
                                    linear(4, 2, 0, 0, 1, 0, 0, 0, 0, 0),
                                    linear(2, 2, 0, 0, 0, 1));
                    AltUp inner =
                            new AltUp(
                                    2,
                                    0,
                                    Optional.empty(),
                                    Optional.empty(),
                                    whole.router(),
                                    whole.norm(),
                                    whole.prediction(),
                                    whole.correction(),
                                    whole.scale(),
                                    false);
                    Tensor out =
                            inner.around(
                                    row(3, 4, -1, 5),
                                    x -> x.add(row(1, 0)),
                                    _ -> Optional.empty(),
                                    PLAIN);
                    double mixed = Math.tanh(3 / Math.sqrt(12.5) / 2);
                    double first = 3 - mixed;
                    double second = 4 + 5 * mixed;
                    double size = Math.sqrt(((first + 1) * (first + 1) + second * second) / 2);
                    double learned = 1 + Math.tanh(second / size / 2);
                    assertRow(new double[] {first + 1, second, -1 + learned, 5}, out);
                });
    }

    /// Embeddings of padding may be zero.
    @Test
    void aRowOfZerosHasAGradient() {
        run(
                () -> {
                    Tensor x = row(0, 0).requireGradient(true);
                    try (var _ = Autograd.enabled()) {
                        AltUp copies = altUp(1, linear(4, 2, new float[8]), linear(2, 2, ZEROS));
                        copies.around(x, c -> c.add(row(1, 2)), _ -> Optional.empty(), PLAIN)
                                .sum()
                                .backward();
                    }
                    assertEquals(0, x.gradient().sub(x.gradient()).sum().item()); // none is NaN
                });
    }

    /// h = (1, 2), B A h = (5, 0), normed (√2, 0).
    @Test
    void theLearnedResidualIsAddedBeforeTheRootOfTwo() {
        run(
                () -> {
                    var residual =
                            new LearnedResidual(linear(1, 2, 1, 2), linear(2, 1, 1, 0), norm());
                    double root = Math.sqrt(2);
                    assertRow(
                            new double[] {(10 + 1 + root) / root, (20 + 2) / root},
                            residual.joined(row(10, 20), row(1, 2), PLAIN));
                });
    }

    @Test
    void quantilesAreThoseOfTheNormalDistribution() {
        assertEquals(0, FeedForward.Sparse.quantile(0.5));
        assertEquals(1.6448536269514722, FeedForward.Sparse.quantile(0.95), 1e-12);
        assertEquals(-1.2815515655446004, FeedForward.Sparse.quantile(0.1), 1e-12);
        assertEquals(4.753424308822899, FeedForward.Sparse.quantile(0.999999), 1e-8);
    }

    /// Gates 1, 2, 3, 6 have the mean 3 and the variance 3.5: only 6 stays, less 3 + √3.5.
    @Test
    void gatesBelowTheCutoffAreClosed() {
        run(
                () -> {
                    FusedLinear up = linear(8, 1, 1, 2, 3, 6, 1, 1, 1, 1);
                    var gated =
                            new FeedForward.Gated(up, linear(1, 4, 1, 1, 1, 1), Activation.RELU);
                    Tensor out = new FeedForward.Sparse(gated, 1).apply(row(1), PLAIN);
                    assertEquals(3 - Math.sqrt(3.5), out.item(), EPSILON);
                    FusedLinear alike = linear(4, 1, 2, 2, 1, 1);
                    var equal = new FeedForward.Gated(alike, linear(1, 2, 1, 1), Activation.RELU);
                    Tensor x = row(1).requireGradient(true);
                    try (var _ = Autograd.enabled()) {
                        new FeedForward.Sparse(equal, 1).apply(x, PLAIN).sum().backward();
                    }
                    assertEquals(0, x.gradient().item());
                });
    }
}
