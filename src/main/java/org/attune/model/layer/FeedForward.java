package org.attune.model.layer;

import org.attune.model.config.Activation;
import org.attune.model.config.ExpertsConfig;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;
import org.attune.tensor.VectorKernels;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Feed-forward part of one block. `N` rows, `D` model width, `F` inner width, `U` columns of what
/// the first projection puts out.
public sealed interface FeedForward
        permits FeedForward.Dense,
                FeedForward.Scaled,
                FeedForward.Normed,
                FeedForward.Sparse,
                Xielu,
                Experts,
                DenseAndExperts {
    /// Why an activation isn't a function alone.
    String WEIGHTS = "xIELU has weights: a Xielu computes it";

    /// Computes linear layers, with whatever adapter and recording a pass has.
    interface Products {
        /// @param x `(n, in)`
        /// @return `(n, out)`
        Tensor of(FusedLinear linear, Tensor x);
    }

    /// The part as an ordinary expression, for autograd.
    ///
    /// @param x `(N, D)`
    /// @return `(N, D)`
    Tensor apply(Tensor x, Expression expression);

    /// Bytes of what [#apply] makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number);

    /// The linear layers, in the order in which they are computed.
    List<FusedLinear> linears();

    /// Layers of them that may have few rows, whatever their number, for [#tokenKernel].
    default List<FusedLinear> few() {
        return List.of();
    }

    /// What a kernel of one token of all blocks takes of it; empty where it doesn't know the part,
    /// or where there is no copy of its weights for that.
    default Optional<TokenPass.Part> tokenKernel(AdapterRows rows) {
        return Optional.empty();
    }

    /// Trained weights that belong to no linear layer.
    default List<Weight> others() {
        return List.of();
    }

    /// Numbers that nothing trains and that belong to a written model.
    default List<Weight> buffers() {
        return List.of();
    }

    /// Norms inside of it.
    default List<Norm> norms() {
        return List.of();
    }

    /// A part with a norm of what its last projection reads, as BitNet's.
    record Normed(Dense dense, Norm norm) implements FeedForward {
        @Override
        public Tensor apply(Tensor x, Expression expression) {
            Tensor inner = dense.activated(expression.of(dense.up(), x)); // (N, F)
            return expression.of(dense.down(), norm.apply(inner, expression::value));
        }

        @Override
        public long expressionBytes(long number) {
            return dense.expressionBytes(number);
        }

        @Override
        public List<FusedLinear> linears() {
            return dense.linears();
        }

        @Override
        public List<Norm> norms() {
            return List.of(norm);
        }
    }

    /// One part for all tokens.
    sealed interface Dense extends FeedForward {
        /// The projection into it, `(U, D)`.
        FusedLinear up();

        /// The projection out of it, `(D, F)`.
        FusedLinear down();

        /// The function in between.
        Activation activation();

        /// Writes what [#down] reads.
        ///
        /// @param y what [#up] put out, `(N, U)`
        /// @param memory for activated gates, `(N, F)`
        /// @param out its first `F` columns are written, `(N, F + …)`
        void activate(Tensor y, Supplier<Tensor> memory, Tensor out);

        /// Leaves the gradient of what [#up] put out in its place.
        ///
        /// @param dOut gradient of what [#activate] wrote, `(N, F)`
        /// @param y `(N, U)`, changed
        /// @param memory that [#activate] was given, with what it left there
        /// @param spare its first `F` columns may be overwritten, `(N, F + …)`
        default void activateBackward(
                Tensor dOut, Tensor y, Supplier<Tensor> memory, Tensor spare) {
            Tensor input = y.detach().requireGradient(true);
            try (var _ = Autograd.enabled()) {
                activated(input).backward(dOut);
            }
            y.copyInPlace(input.gradient());
        }

        /// Computes what [#down] reads as an ordinary expression, for autograd.
        ///
        /// @param y `(N, U)`
        /// @return `(N, F)`
        Tensor activated(Tensor y);

        @Override
        default Tensor apply(Tensor x, Expression expression) {
            return expression.of(down(), activated(expression.of(up(), x)));
        }

        /// Bytes of what autograd makes of a row between [#up] and [#down], where no kernel and no
        /// hand-written pass knows the activation; 0 where one does.
        ///
        /// @param number bytes of one in the compute dtype
        default long activationBytes(long number) {
            return activation() == Activation.SILU ? 0 : 2 * (number + steps(number)) * down().in();
        }

        private long steps(long number) {
            return switch (activation()) {
                case SILU, RELU -> number;
                case RELU_SQUARED -> 2 * number;
                case XIELU -> throw new IllegalStateException(WEIGHTS);
                case GELU_SIGMOID -> 3 * number;
                case GELU -> 6 * Float.BYTES;
                case GELU_TANH -> 11 * Float.BYTES;
            };
        }

        @Override
        default long expressionBytes(long number) {
            return number * (3L * up().out() + down().in() + 2L * down().out())
                    + steps(number) * down().in();
        }

        @Override
        default List<FusedLinear> linears() {
            return List.of(up(), down());
        }
    }

    /// `down(f(gate) · up)` ([Shazeer 2020, Eq. 6](https://arxiv.org/abs/2002.05202)).
    ///
    /// @param up gate and up projections, one matrix
    record Gated(FusedLinear up, FusedLinear down, Activation activation) implements Dense {
        @Override
        public Optional<TokenPass.Part> tokenKernel(AdapterRows rows) {
            return gatedKernel(rows).map(part -> part);
        }

        Optional<TokenPass.Gated> gatedKernel(AdapterRows rows) {
            Optional<TokenPass.Linear> back = down.decodingCopy().of(rows);
            return up.decodingCopy()
                    .of(rows)
                    .flatMap(
                            in ->
                                    back.map(
                                            out ->
                                                    new TokenPass.Gated(
                                                            in,
                                                            activation != Activation.SILU,
                                                            out)));
        }

        @Override
        public void activate(Tensor y, Supplier<Tensor> memory, Tensor out) {
            if (activation == Activation.SILU) {
                Swiglu.forward(y, memory, out);
            } else if (hasGeluKernel(y)) {
                VectorKernels.swiglu(true, y, out);
            } else {
                out.narrow(1, 0, down.in()).copyInPlace(activated(y));
            }
        }

        @Override
        public void activateBackward(Tensor dOut, Tensor y, Supplier<Tensor> memory, Tensor spare) {
            if (activation == Activation.SILU) {
                Swiglu.backward(dOut, y, memory, spare);
            } else if (hasGeluKernel(y)) {
                VectorKernels.swigluBackward(true, dOut, y);
            } else {
                Dense.super.activateBackward(dOut, y, memory, spare);
            }
        }

        private boolean hasGeluKernel(Tensor y) {
            return activation == Activation.GELU_TANH
                    && VectorKernels.serve(y.device(), y.dtype(), down.in());
        }

        @Override
        public Tensor activated(Tensor y) {
            int inner = down.in();
            return FeedForward.activated(activation, y.narrow(1, 0, inner))
                    .mul(y.narrow(1, inner, inner));
        }
    }

    /// `down(f(up))`.
    record Plain(FusedLinear up, FusedLinear down, Activation activation) implements Dense {
        @Override
        public void activate(Tensor y, Supplier<Tensor> memory, Tensor out) {
            out.narrow(1, 0, down.in()).copyInPlace(activated(y));
        }

        @Override
        public Tensor activated(Tensor y) {
            return FeedForward.activated(activation, y);
        }
    }

    /// A gated part with bounds ([ExpertsConfig.Clamp]).
    ///
    /// @param up gate and up projections, one matrix
    record Clamped(FusedLinear up, FusedLinear down, ExpertsConfig.Clamp clamp) implements Dense {
        @Override
        public Activation activation() {
            return Activation.SILU;
        }

        @Override
        public void activate(Tensor y, Supplier<Tensor> memory, Tensor out) {
            out.narrow(1, 0, down.in()).copyInPlace(activated(y));
        }

        @Override
        public Tensor activated(Tensor y) {
            int inner = down.in();
            double limit = clamp.limit();
            Tensor gate = atMost(y.narrow(1, 0, inner), limit);
            Tensor other = atMost(y.narrow(1, inner, inner), limit);
            Tensor open = gate.mul(gate.mul(clamp.alpha()).sigmoid());
            return atMost(other.neg(), limit).neg().add(1).mul(open);
        }

        /// min(x, limit): exact where that is x.
        private static Tensor atMost(Tensor x, double limit) {
            return x.sub(x.add(-limit).relu());
        }

        @Override
        public long expressionBytes(long number) {
            return Dense.super.expressionBytes(number) + 12 * number * down.in();
        }
    }

    /// `b down(f(a gate) · up)`.
    ///
    /// @param part what is scaled
    /// @param gate `a`
    /// @param out `b`
    record Scaled(Gated part, double gate, double out) implements FeedForward {
        @Override
        public Tensor apply(Tensor x, Expression products) {
            int inner = part.down().in();
            Tensor y = products.of(part.up(), x);
            Tensor opened =
                    FeedForward.activated(part.activation(), y.narrow(1, 0, inner).mul(gate));
            return products.of(part.down(), opened.mul(y.narrow(1, inner, inner))).mul(out);
        }

        @Override
        public long expressionBytes(long number) {
            return part.expressionBytes(number) + number * (part.down().in() + part.down().out());
        }

        @Override
        public List<FusedLinear> linears() {
            return part.linears();
        }
    }

    /// A gated part that closes all but the highest gates of a token, by their mean `μ` and
    /// their standard deviation `s` ([You et al. 2025](https://arxiv.org/abs/2506.06644)),
    /// in float32:
    /// ```
    /// down(f(max(gate − μ − c s, 0)) · up)
    /// ```
    ///
    /// @param cutoff `c`
    record Sparse(Gated part, double cutoff) implements FeedForward {
        private static final int STEPS = 100; // a dozen are enough

        /// @param share of the gates that are closed if they are normally distributed, [0, 1)
        static Sparse of(Gated part, double share) {
            return new Sparse(part, quantile((float) share)); // float32, as transformers has it
        }

        /// Where the standard normal distribution function is `p`, by Newton's method: the function
        /// is concave above 0, so the steps from there never pass the point.
        static double quantile(double p) {
            double upper = Math.max(p, 1 - p);
            double x = 0;
            for (int i = 0; i < STEPS; i++) {
                double density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
                x += (upper - 0.5 - density * series(x)) / density;
            }
            return p < 0.5 ? -x : x;
        }

        /// `(Φ(x) − 1/2) / φ(x)`.
        private static double series(double x) {
            double sum = 0;
            double term = x;
            for (int k = 1; sum + term != sum; k += 2) {
                sum += term;
                term *= x * x / (k + 2);
            }
            return sum;
        }

        @Override
        public Tensor apply(Tensor x, Expression expression) {
            int inner = part.down().in();
            Tensor y = expression.of(part.up(), x);
            Tensor open = FeedForward.activated(part.activation(), opened(y.narrow(1, 0, inner)));
            return expression.of(part.down(), open.mul(y.narrow(1, inner, inner)));
        }

        private Tensor opened(Tensor gate) {
            Tensor gate32 = gate.to(DType.FLOAT32);
            Tensor mean = gate32.mean(Tensor.LAST, true);
            Tensor variance = gate32.sub(mean).square().mean(Tensor.LAST, true);
            Tensor deviation = variance.add(AltUp.TINY).sqrt();
            return gate32.sub(mean.add(deviation.mul(cutoff))).relu().to(gate.dtype());
        }

        @Override
        public long expressionBytes(long number) {
            return part.expressionBytes(number)
                    + (2 * number + 5L * Float.BYTES) * part.down().in();
        }

        @Override
        public List<FusedLinear> linears() {
            return part.linears();
        }
    }

    /// An activation as an ordinary expression, for autograd.
    static Tensor activated(Activation activation, Tensor x) {
        return switch (activation) {
            case SILU -> x.silu();
            case GELU_SIGMOID -> x.mul(x.mul(1.702).sigmoid());
            case RELU -> x.relu();
            case RELU_SQUARED -> x.relu().square();
            case XIELU -> throw new IllegalStateException(WEIGHTS);
            case GELU -> { // in float32, as ATen's kernel does
                Tensor x32 = x.to(DType.FLOAT32);
                Tensor twice = x32.mul(Math.sqrt(0.5)).erf().add(1);
                yield x32.mul(twice).mul(0.5).to(x.dtype());
            }
            case GELU_TANH -> {
                Tensor x32 = x.to(DType.FLOAT32);
                Tensor cubic = x32.mul(x32).mul(0.044715).add(1).mul(x32);
                Tensor twice = cubic.mul(Math.sqrt(2 / Math.PI)).tanh().add(1);
                yield x32.mul(twice).mul(0.5).to(x.dtype());
            }
        };
    }
}
