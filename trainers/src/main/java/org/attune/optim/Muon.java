package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Muon (Jordan et al. 2024, a post) for matrices, AdamW for
/// the rest: embeddings, output layers, norms, biases. As `torch.optim.Muon`:
/// ```
/// b ← μ b + (1 - μ) g          u = (1 - μ) g + μ b with Nesterov's momentum, else b
/// O = NewtonSchulz(u)          X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, from X = u / ‖u‖
/// θ ← θ (1 - γ λ) - γ s O
/// ```
/// The iteration runs in float32, PyTorch's in bfloat16. `s` makes the rate fit a matrix `(A, B)`.
///
/// @param momentum μ, [0, 1)
/// @param nesterov whether the momentum looks ahead
/// @param steps of the iteration, 1 to 99
/// @param adjustment `s`
/// @param others formula of the parameters that are no matrices
record Muon(double momentum, boolean nesterov, int steps, Adjustment adjustment, AdamW others)
        implements OptimizerKind {
    /// PyTorch's and Jordan's coefficients.
    private static final double A = 3.4445;

    private static final double B = -4.775;
    private static final double C = 2.0315;
    private static final double EPSILON = 1e-7;

    /// Parts of names of matrices that AdamW updates: what is read by row, and output layers.
    private static final Pattern TABLES =
            Pattern.compile(
                    "(^|\\.)(embed_tokens|embed_positions|wte|wpe|embed_in|embed_out|lm_head|score)"
                            + "\\.|lora_embedding");

    /// What the learning rate is multiplied by for a matrix `(A, B)`.
    public enum Adjustment {
        /// `√max(1, A / B)`, Jordan's.
        ORIGINAL,
        /// `0.2 √max(A, B)`, so that updates are as large as AdamW's
        /// ([Liu et al. 2025](https://arxiv.org/abs/2502.16982), Eq. 4).
        MATCH_RMS_ADAMW,
        /// `√(A / B)`.
        SPECTRAL_UNCLAMPED;

        double of(double rows, double columns) {
            return switch (this) {
                case ORIGINAL -> Math.sqrt(Math.max(1, rows / columns));
                case MATCH_RMS_ADAMW -> 0.2 * Math.sqrt(Math.max(rows, columns));
                case SPECTRAL_UNCLAMPED -> Math.sqrt(rows / columns);
            };
        }
    }

    public Muon {
        Ranges.decay("momentum", momentum);
        Ranges.require(steps >= 1 && steps < 100, "ns_steps must be 1 to 99", steps);
    }

    /// PyTorch's, with the adjustment that lets AdamW's learning rate serve all parameters.
    public static Muon defaults() {
        return new Muon(0.95, true, 5, Adjustment.MATCH_RMS_ADAMW, AdamW.defaults());
    }

    static boolean isMatrix(Parameter parameter) {
        return parameter.shape().length == 2 && !TABLES.matcher(parameter.name()).find();
    }

    @Override
    public List<StateTensor> state(List<Parameter> parameters) {
        long matrices =
                parameters.stream().filter(Muon::isMatrix).mapToLong(Parameter::count).sum();
        long rest = parameters.stream().mapToLong(Parameter::count).sum() - matrices;
        var state = new ArrayList<StateTensor>();
        state.add(new StateTensor("momentum_buffer", DType.FLOAT32, matrices));
        others.moments().forEach(m -> state.add(new StateTensor(m.name(), DType.FLOAT32, rest)));
        return List.copyOf(state);
    }

    @Override
    public boolean mayCut(Parameter parameter) {
        return !isMatrix(parameter);
    }

    @Override
    public UpdateRule rule(List<Parameter> parameters, List<Tensor> state) {
        Map<Parameter, Long> starts = new HashMap<>();
        long matrices = 0;
        long rest = 0;
        for (Parameter p : parameters) {
            starts.put(p, isMatrix(p) ? matrices : rest);
            matrices += isMatrix(p) ? p.count() : 0;
            rest += isMatrix(p) ? 0 : p.count();
        }
        return (piece, values, gradient, step) -> {
            Parameter p = piece.parameter();
            long start = starts.get(p) + piece.start() - p.offset();
            if (isMatrix(p)) {
                Tensor buffer = state.getFirst().narrow(0, start, piece.length());
                matrix(piece, values, gradient, buffer, step);
            } else {
                List<Tensor> moments =
                        state.subList(1, state.size()).stream()
                                .map(t -> t.narrow(0, start, piece.length()))
                                .toList();
                others.update(piece, values, gradient, moments, step);
            }
        };
    }

    private void matrix(Piece piece, Tensor values, Tensor gradient, Tensor buffer, Step step) {
        long[] shape = piece.parameter().shape(); // (A, B)
        Tensor g = gradient.mul(step.gradientScale());
        buffer.mulInPlace(momentum).addInPlace(g.mul(1 - momentum));
        Tensor update = nesterov ? g.mul(1 - momentum).addInPlace(buffer.mul(momentum)) : buffer;
        double rate = piece.rate(step);
        if (piece.weightDecay() > 0) {
            values.mulInPlace(1 - rate * piece.weightDecay());
        }
        Tensor direction = orthogonal(update.reshape(shape)); // (A, B)
        values.reshape(shape).subInPlace(direction.mul(rate * adjustment.of(shape[0], shape[1])));
    }

    /// Brings the singular values of a matrix near to 1.
    private Tensor orthogonal(Tensor matrix) {
        boolean tall = matrix.size(0) > matrix.size(1);
        double norm = Math.sqrt(matrix.square().sum().item());
        Tensor x = (tall ? matrix.t() : matrix).mul(1 / Math.max(norm, EPSILON));
        for (int i = 0; i < steps; i++) {
            Tensor gram = x.mm(x.t());
            Tensor polynomial = gram.mul(B).addInPlace(gram.mm(gram).mul(C));
            x = x.mul(A).addInPlace(polynomial.mm(x));
        }
        return tall ? x.t() : x;
    }
}
