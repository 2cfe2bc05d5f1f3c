package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

import java.util.List;

/// Adafactor ([Shazeer and Stern 2018](https://arxiv.org/abs/1804.04235)) as
/// `torch.optim.Adafactor`, which differs from [Adafactor]:
/// ```
/// 1 - β₂ = tᵈ                    d = beta2_decay < 0
/// α = min(γ, 1/√t) · max(ε₂, RMS(θ))
/// θ ← θ (1 - γ λ)
/// V = R Cᵀ / max(ε₁, mean(R))    of g²
/// u = g / √max(V, ε₁²)           θ ← θ - α u / max(1, RMS(u) / d_max)
/// ```
///
/// @param beta2Decay d, < 0
/// @param epsilon1 ε₁, ≥ 0; PyTorch's is float32's, 1.19e-7
/// @param epsilon2 ε₂, ≥ 0
/// @param largest d_max, largest root mean square of `u`, > 0
record TorchAdafactor(double beta2Decay, double epsilon1, double epsilon2, double largest)
        implements OptimizerKind {
    /// Distance from 1 to the next float32.
    private static final double FLOAT_EPSILON = Math.ulp(1f);

    public TorchAdafactor {
        Ranges.require(beta2Decay < 0, "beta2_decay must be < 0", beta2Decay);
        Ranges.notNegative("eps1", epsilon1);
        Ranges.notNegative("eps2", epsilon2);
        Ranges.positive("d", largest);
    }

    /// PyTorch's.
    public static TorchAdafactor defaults() {
        return new TorchAdafactor(-0.8, FLOAT_EPSILON, 1e-3, 1);
    }

    @Override
    public List<StateTensor> state(List<Parameter> parameters) {
        return Factors.state(parameters);
    }

    @Override
    public boolean mayCut(Parameter parameter) {
        return false;
    }

    @Override
    public UpdateRule rule(List<Parameter> parameters, List<Tensor> state) {
        var factors = new Factors(parameters, state);
        return (piece, values, gradient, step) -> {
            double relative = Math.min(piece.rate(step), 1 / Math.sqrt(step.number()));
            double rate = relative * Math.max(epsilon2, Adafactor.rms(values));
            if (piece.weightDecay() > 0) {
                values.mulInPlace(1 - piece.rate(step) * piece.weightDecay());
            }
            double fresh = Math.pow(step.number(), beta2Decay);
            if (factors.of(piece).isVector()) {
                vector(factors, piece, values, gradient.mul(step.gradientScale()), rate, fresh);
            } else {
                var now = new Now(factors, factors.of(piece), gradient, step.gradientScale());
                matrices(now, values, rate, fresh);
            }
        };
    }

    /// The gradient of a parameter that is matrices.
    private record Now(
            Factors factors, Factors.Matrices shape, Tensor gradient, double gradientScale) {}

    private void vector(
            Factors factors, Piece piece, Tensor values, Tensor g, double rate, double fresh) {
        Tensor v = factors.vector(piece);
        v.mulInPlace(1 - fresh).addInPlace(g.square().mul(fresh));
        Tensor update = atLeast(v, epsilon1 * epsilon1).rsqrt().mulInPlace(g);
        values.subInPlace(update.mul(rate / clip(Adafactor.rms(update))));
    }

    private void matrices(Now now, Tensor values, double rate, double fresh) {
        Factors.Matrices m = now.shape;
        now.factors.learn(m, now.gradient, now.gradientScale, 0, fresh);
        double squares = Factors.sum(m, band -> update(now, band).square().sum().item());
        double own = rate / clip(Math.sqrt(squares / values.size()));
        Factors.sum(
                m,
                band -> {
                    Factors.of(values, m, band).subInPlace(update(now, band).mul(own));
                    return 0;
                });
    }

    private double clip(double rms) {
        return Math.max(1, rms / largest);
    }

    private Tensor update(Now now, Factors.Band band) {
        Factors.Matrices m = now.shape;
        Tensor rows = now.factors.rows(m, band.matrix()); // (R, 1)
        double mean = Math.max(epsilon1, rows.mean().item());
        Tensor own = rows.narrow(0, band.from(), band.size());
        Tensor v = own.mul(now.factors.columns(m, band.matrix())).mul(1 / mean); // (r, C)
        return atLeast(v, epsilon1 * epsilon1)
                .rsqrt()
                .mulInPlace(Factors.of(now.gradient, m, band).mul(now.gradientScale));
    }

    /// Elements, but no smaller than `least`.
    private static Tensor atLeast(Tensor x, double least) {
        return Elements.maximum(x, Tensor.full(x.device(), x.dtype(), least, 1));
    }
}
