package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Recurrences in chunks against the recurrences themselves, one token and one number at a time.
class StateScanTest {
    /// Roots, children and children of these; empty ones, and more than two chunks.
    static final List<Succession.Span> TREES =
            List.of(
                    new Succession.Span(-1, 0, 70),
                    new Succession.Span(0, 70, 73),
                    new Succession.Span(0, 73, 203),
                    new Succession.Span(-1, 203, 208),
                    new Succession.Span(2, 208, 209),
                    new Succession.Span(3, 209, 209),
                    new Succession.Span(5, 209, 217));

    private static final List<Succession.Span> SMALL =
            List.of(
                    new Succession.Span(-1, 0, 3),
                    new Succession.Span(0, 3, 5),
                    new Succession.Span(0, 5, 6),
                    new Succession.Span(-1, 6, 10));

    /// A recurrence: the scan, the widths of its inputs, and one step of it.
    record Kind(Scan scan, int[] widths, int out, Step step) {}

    /// One token.
    interface Step {
        /// @param in inputs of the token
        /// @param state changed
        void run(double[][] in, double[] state, double[] out);
    }

    static Kind delta(int keyHeads, int heads, int keyDim, int valueDim) {
        return delta(keyHeads, heads, keyDim, valueDim, false);
    }

    private static Kind delta(
            int keyHeads, int heads, int keyDim, int valueDim, boolean byChannel) {
        int decays = byChannel ? keyDim : 1; // of a head
        int[] widths = {
            keyHeads * keyDim, keyHeads * keyDim, heads * valueDim, heads * decays, heads
        };
        Step step =
                (in, state, out) -> {
                    for (int h = 0; h < heads; h++) {
                        int k = h / (heads / keyHeads) * keyDim;
                        int s = h * keyDim * valueDim;
                        for (int j = 0; j < valueDim; j++) {
                            double known = 0;
                            for (int i = 0; i < keyDim; i++) {
                                state[s + i * valueDim + j] *=
                                        Math.exp(in[3][h * decays + i % decays]);
                                known += in[1][k + i] * state[s + i * valueDim + j];
                            }
                            double write = in[4][h] * (in[2][h * valueDim + j] - known);
                            for (int i = 0; i < keyDim; i++) {
                                state[s + i * valueDim + j] += in[1][k + i] * write;
                                out[h * valueDim + j] += in[0][k + i] * state[s + i * valueDim + j];
                            }
                        }
                    }
                };
        return new Kind(
                new DeltaScan(keyHeads, heads, keyDim, valueDim, byChannel),
                widths,
                heads * valueDim,
                step);
    }

    private static Kind space(int groups, int heads, int headDim, int stateDim) {
        int[] widths = {heads * headDim, heads, groups * stateDim, groups * stateDim};
        Step step =
                (in, state, out) -> {
                    for (int h = 0; h < heads; h++) {
                        int g = h / (heads / groups) * stateDim;
                        for (int i = 0; i < stateDim; i++) {
                            for (int j = 0; j < headDim; j++) {
                                int s = (h * stateDim + i) * headDim + j;
                                state[s] =
                                        Math.exp(in[1][h]) * state[s]
                                                + in[2][g + i] * in[0][h * headDim + j];
                                out[h * headDim + j] += in[3][g + i] * state[s];
                            }
                        }
                    }
                };
        return new Kind(
                new StateSpaceScan(groups, heads, headDim, stateDim),
                widths,
                heads * headDim,
                step);
    }

    private static final List<Kind> KINDS =
            List.of(
                    delta(2, 4, 5, 3),
                    delta(3, 3, 2, 7),
                    delta(1, 2, 1, 1),
                    delta(3, 3, 4, 5, true),
                    space(2, 4, 3, 5),
                    space(1, 3, 1, 2),
                    space(2, 2, 6, 1));

    /// Inputs as the mixers give them: keys of length 1, shares in (0, 1), decays at most 0. Some
    /// forget nearly all within a token.
    static double[][] inputs(Kind kind, int rows) {
        UniformRandomProvider random = TinyModels.random(kind.scan() + "");
        boolean isDelta = kind.scan() instanceof DeltaScan;
        // So strong that what it grows by backwards within a chunk is no float32.
        int strength = kind.scan() instanceof DeltaScan d && d.byChannel() ? 10 : 8;
        double[][] all = new double[kind.widths().length][];
        for (int i = 0; i < all.length; i++) {
            all[i] = new double[rows * kind.widths()[i]];
            boolean decays = i == (isDelta ? 3 : 1);
            boolean shares = isDelta && i == 4;
            for (int j = 0; j < all[i].length; j++) {
                double u = random.nextDouble();
                all[i][j] = decays ? -Math.exp(strength * u - 6) : shares ? u : 2 * u - 1;
            }
        }
        if (kind.scan() instanceof DeltaScan d) {
            for (int from = 0; from < all[1].length; from += d.keyDim()) {
                double square = 0;
                for (int i = 0; i < d.keyDim(); i++) {
                    square += all[1][from + i] * all[1][from + i];
                }
                for (int i = 0; i < d.keyDim(); i++) {
                    all[1][from + i] /= Math.sqrt(square);
                }
            }
        }
        return all;
    }

    static double[] slow(Kind kind, double[][] inputs, List<Succession.Span> spans) {
        int rows = inputs[0].length / kind.widths()[0];
        double[] all = new double[rows * kind.out()];
        List<double[]> states = new ArrayList<>();
        for (Succession.Span span : spans) {
            double[] state =
                    span.parent() < 0
                            ? new double[Math.toIntExact(kind.scan().numbers())]
                            : states.get(span.parent()).clone();
            for (int row = span.start(); row < span.end(); row++) {
                double[][] in = new double[inputs.length][];
                for (int i = 0; i < in.length; i++) {
                    int width = kind.widths()[i];
                    in[i] = Arrays.copyOfRange(inputs[i], row * width, (row + 1) * width);
                }
                double[] out = new double[kind.out()];
                kind.step().run(in, state, out);
                System.arraycopy(out, 0, all, row * out.length, out.length);
            }
            states.add(state);
        }
        return all;
    }

    static Tensor[] tensors(Kind kind, double[][] inputs) {
        Tensor[] all = new Tensor[inputs.length];
        for (int i = 0; i < all.length; i++) {
            int width = kind.widths()[i];
            all[i] =
                    Tensor.of(device(), floats(inputs[i]), inputs[i].length / width, width)
                            .to(DType.FLOAT32);
        }
        return all;
    }

    static Device device() {
        return Devices.usual();
    }

    static float[] floats(double[] values) {
        float[] all = new float[values.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = (float) values[i];
        }
        return all;
    }

    static int rows(List<Succession.Span> spans) {
        return spans.getLast().end();
    }

    private static void each(Consumer<Kind> check) {
        for (Kind kind : KINDS) {
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test")) {
                            check.accept(kind);
                        }
                    });
        }
    }

    @Test
    void chunksComputeTheRecurrence() {
        each(
                kind -> {
                    int rows = rows(TREES);
                    double[][] inputs = inputs(kind, rows);
                    var succession = new Succession(device(), rows, TREES, 0, false);
                    assertClose(
                            kind.scan().toString(),
                            floats(slow(kind, inputs, TREES)),
                            succession.scan(kind.scan(), tensors(kind, inputs)).toFloats(),
                            2e-4,
                            2e-4);
                });
    }

    /// In pieces of one, of a chunk, and of more.
    @Test
    void piecesComputeTheWhole() {
        each(
                kind -> {
                    int rows = 140;
                    double[][] inputs = inputs(kind, rows);
                    List<Succession.Span> whole = List.of(new Succession.Span(-1, 0, rows));
                    Tensor[] all = tensors(kind, inputs);
                    List<Tensor> parts = new ArrayList<>();
                    var states = new Kept(Tensor.zeros(device(), DType.FLOAT32, 1, 1), null);
                    states.matrices =
                            Tensor.zeros(device(), DType.FLOAT32, 1, kind.scan().numbers());
                    int[] ends = {1, 2, 66, 67, rows};
                    int from = 0;
                    for (int to : ends) {
                        Tensor[] own = new Tensor[all.length];
                        for (int i = 0; i < own.length; i++) {
                            own[i] = all[i].narrow(0, from, to - from);
                        }
                        var span = new Succession.Span(-1, 0, to - from);
                        parts.add(
                                new Succession(device(), to - from, List.of(span), 0, true)
                                        .after(states)
                                        .scan(kind.scan(), own));
                        from = to;
                    }
                    assertClose(
                            kind.scan().toString(),
                            floats(slow(kind, inputs, whole)),
                            Tensor.cat(0, parts.toArray(Tensor[]::new)).toFloats(),
                            2e-4,
                            2e-4);
                });
    }

    /// States in place of those of a cache.
    private static final class Kept implements Carried {
        private Tensor inputs;
        private Tensor matrices;

        Kept(Tensor inputs, Tensor matrices) {
            this.inputs = inputs;
            this.matrices = matrices;
        }

        @Override
        public Tensor inputs() {
            return inputs;
        }

        @Override
        public Tensor matrices() {
            return matrices;
        }

        @Override
        public void keepInputs(Tensor last) {
            inputs = last;
        }

        @Override
        public void keepMatrices(Tensor last) {
            matrices = last;
        }

        @Override
        public Tensor allInputs() {
            return inputs;
        }

        @Override
        public Tensor allMatrices() {
            return matrices;
        }

        @Override
        public int[] slots() {
            return IntStream.range(0, Math.toIntExact(matrices.size(0))).toArray();
        }
    }

    /// Of a random sum of all that comes out, by each input in a random direction.
    @Test
    void gradientsEqualDifferences() {
        each(
                kind -> {
                    int rows = rows(SMALL);
                    double[][] inputs = inputs(kind, rows);
                    UniformRandomProvider random = TinyModels.random("weights");
                    double[] weights = random(random, rows * kind.out());
                    Tensor[] leaves = tensors(kind, inputs);
                    for (int i = 0; i < leaves.length; i++) {
                        leaves[i] = leaves[i].detach().requireGradient(true);
                    }
                    try (var _ = Autograd.enabled()) {
                        new Succession(device(), rows, SMALL, 0, false)
                                .scan(kind.scan(), leaves)
                                .backward(Tensor.of(device(), floats(weights), rows, kind.out()));
                    }
                    for (int i = 0; i < leaves.length; i++) {
                        double[] direction = random(random, inputs[i].length);
                        float[] gradient = leaves[i].gradient().toFloats();
                        double got = 0;
                        for (int j = 0; j < gradient.length; j++) {
                            got += gradient[j] * direction[j];
                        }
                        double wanted = slope(kind, inputs, i, direction, weights);
                        assertClose(kind.scan() + " input " + i, wanted, got, 1e-4, 1e-4);
                    }
                });
    }

    private static double slope(
            Kind kind, double[][] inputs, int which, double[] direction, double[] weights) {
        double h = 1e-5;
        double[] at = new double[2];
        for (int side = 0; side < 2; side++) {
            double[][] moved = inputs.clone();
            moved[which] = inputs[which].clone();
            for (int j = 0; j < direction.length; j++) {
                moved[which][j] += (side == 0 ? h : -h) * direction[j];
            }
            double[] out = slow(kind, moved, SMALL);
            for (int j = 0; j < out.length; j++) {
                at[side] += weights[j] * out[j];
            }
        }
        return (at[0] - at[1]) / (2 * h);
    }

    static double[] random(UniformRandomProvider random, int count) {
        double[] all = new double[count];
        for (int i = 0; i < count; i++) {
            all[i] = 2 * random.nextDouble() - 1;
        }
        return all;
    }

    /// What stands before a token on its way from the root, and nothing else.
    @Test
    void convolutionsSeeTheirOwnSequence() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        int features = 3;
                        int taps = 4;
                        int rows = rows(SMALL);
                        UniformRandomProvider random = TinyModels.random("convolution");
                        double[] x = random(random, rows * features);
                        double[] w = random(random, features * taps);
                        double[] b = random(random, features);
                        var convolution =
                                new Convolution(
                                        List.of(weight(w, features, 1, taps)),
                                        Optional.of(weight(b, features)));
                        Tensor got =
                                convolution.apply(
                                        Tensor.of(device(), floats(x), rows, features),
                                        AS_THEY_ARE,
                                        new Succession(device(), rows, SMALL, taps - 1, false));
                        assertClose(
                                "convolution",
                                floats(convolved(x, w, b, features, taps)),
                                got.toFloats(),
                                1e-5,
                                1e-5);
                    }
                });
    }

    private static double[] convolved(double[] x, double[] w, double[] b, int features, int taps) {
        double[] all = new double[x.length];
        for (Succession.Span span : SMALL) {
            List<Integer> path = new ArrayList<>();
            if (span.parent() >= 0) {
                Succession.Span parent = SMALL.get(span.parent());
                for (int row = parent.start(); row < parent.end(); row++) {
                    path.add(row);
                }
            }
            for (int row = span.start(); row < span.end(); row++) {
                path.add(row);
                for (int f = 0; f < features; f++) {
                    all[row * features + f] = b[f];
                    for (int back = 0; back < Math.min(taps, path.size()); back++) {
                        int other = path.get(path.size() - 1 - back);
                        all[row * features + f] +=
                                w[f * taps + taps - 1 - back] * x[other * features + f];
                    }
                }
            }
        }
        return all;
    }

    private static Weight weight(double[] values, long... shape) {
        return new Weight("w.weight", Tensor.of(device(), floats(values), shape));
    }

    private static final Expression AS_THEY_ARE =
            new Expression() {
                @Override
                public Tensor value(Weight weight) {
                    return weight.base();
                }

                @Override
                public Tensor of(FusedLinear linear, Tensor x) {
                    throw new UnsupportedOperationException();
                }
            };
}
