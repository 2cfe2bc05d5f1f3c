package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// Adafactor ([Shazeer and Stern 2018](https://arxiv.org/abs/1804.04235), Alg. 4 and 5) as
/// `transformers.Adafactor`. The second moment of a matrix is kept as means of rows `R` and
/// columns `C`, so that state is small:
/// ```
/// β₂ = 1 - tᵈ                    d = decay_rate < 0
/// V = R Cᵀ / mean(R)             of g² + ε₁
/// u = g / √V                     u ← u / max(1, RMS(u) / clip_threshold)
/// θ ← θ - α u - α λ θ            α = γ · max(ε₂, RMS(θ)) with scale_parameter, else γ
/// ```
/// With `relative_step` the optimizer makes the rate itself: `γ = min(ρ, 1/√t)`, ρ = 0.01, or
/// `10⁻⁶ t` with `warmup_init`. The run's rate is then not asked for.
///
/// @param epsilon1 ε₁, added to squares, ≥ 0
/// @param epsilon2 ε₂, least scale of a parameter, ≥ 0
/// @param clipThreshold largest root mean square of `u`, > 0
/// @param decayRate d, < 0
/// @param beta1 decay of a first moment; unset: there is none
/// @param rates how the learning rate is made
record Adafactor(
        double epsilon1,
        double epsilon2,
        double clipThreshold,
        double decayRate,
        OptionalDouble beta1,
        Rates rates)
        implements OptimizerKind {
    /// How the learning rate is made.
    ///
    /// @param scaleParameter times the parameter's root mean square
    /// @param relativeStep from the step's number, not from the run's rate
    /// @param warmupInit with `relativeStep`: begin near 0
    public record Rates(boolean scaleParameter, boolean relativeStep, boolean warmupInit) {
        public Rates {
            Ranges.require(
                    relativeStep || !warmupInit,
                    "warmup_init=true needs relative_step=true",
                    "relative_step=false");
        }

        double rate(Piece piece, Step step) {
            if (!relativeStep) {
                return piece.rate(step);
            }
            double most = warmupInit ? 1e-6 * step.number() : 1e-2;
            return Math.min(most, 1 / Math.sqrt(step.number())) * piece.setting().rateFactor();
        }
    }

    public Adafactor {
        Ranges.notNegative("eps1", epsilon1);
        Ranges.notNegative("eps2", epsilon2);
        Ranges.positive("clip_threshold", clipThreshold);
        Ranges.require(decayRate < 0, "decay_rate must be < 0", decayRate);
        beta1.ifPresent(b -> Ranges.decay("beta1", b));
    }

    /// transformers' Trainer's: the run's rate, nothing relative.
    public static Adafactor defaults() {
        var rates = new Rates(false, false, false);
        return new Adafactor(1e-30, 1e-3, 1, -0.8, OptionalDouble.empty(), rates);
    }

    @Override
    public List<StateTensor> state(List<Parameter> parameters) {
        var state = new ArrayList<>(Factors.state(parameters));
        if (beta1.isPresent()) {
            long numbers = parameters.stream().mapToLong(Parameter::count).sum();
            state.add(new StateTensor(AdamW.FIRST.name(), DType.FLOAT32, numbers));
        }
        return List.copyOf(state);
    }

    @Override
    public boolean mayCut(Parameter parameter) {
        return false;
    }

    @Override
    public UpdateRule rule(List<Parameter> parameters, List<Tensor> state) {
        var factors = new Factors(parameters, state);
        return (piece, values, gradient, step) -> {
            double fresh = Math.pow(step.number(), decayRate);
            var now = new Now(factors, piece, values, gradient, step, fresh);
            if (factors.of(piece).isVector()) {
                vector(now, state);
            } else {
                matrices(now, state);
            }
        };
    }

    /// An update of a parameter.
    private record Now(
            Factors factors, Piece piece, Tensor values, Tensor gradient, Step step, double fresh) {
        Tensor scaledGradient() {
            return gradient.mul(step.gradientScale());
        }
    }

    private double rate(Now now) {
        double rate = rates.rate(now.piece, now.step);
        return rates.scaleParameter() ? rate * Math.max(epsilon2, rms(now.values)) : rate;
    }

    static double rms(Tensor x) {
        return Math.sqrt(x.square().sum().item() / x.size());
    }

    private double clipped(double rms) {
        return 1 / Math.max(1, rms / clipThreshold);
    }

    private void vector(Now now, List<Tensor> state) {
        double rate = rate(now);
        Tensor g = now.scaledGradient();
        Tensor v = now.factors.vector(now.piece);
        v.mulInPlace(1 - now.fresh).addInPlace(g.square().add(epsilon1).mul(now.fresh));
        Tensor update = v.rsqrt().mulInPlace(g);
        move(now, now.values, update, rate, clipped(rms(update)), first(now, state));
    }

    private void matrices(Now now, List<Tensor> state) {
        double rate = rate(now);
        Factors f = now.factors;
        Factors.Matrices m = f.of(now.piece);
        f.learn(m, now.gradient, now.step.gradientScale(), epsilon1, now.fresh);
        double squares = Factors.sum(m, band -> update(now, m, band).square().sum().item());
        double clip = clipped(Math.sqrt(squares / now.values.size()));
        Tensor first = first(now, state);
        Factors.sum(
                m,
                band -> {
                    Tensor moment = first == null ? null : Factors.of(first, m, band);
                    Tensor values = Factors.of(now.values, m, band);
                    move(now, values, update(now, m, band), rate, clip, moment);
                    return 0;
                });
    }

    private Tensor first(Now now, List<Tensor> state) {
        return beta1.isPresent() ? now.piece.of(state.getLast()) : null;
    }

    /// `g / √V` of some rows.
    private static Tensor update(Now now, Factors.Matrices m, Factors.Band band) {
        Tensor rows = now.factors.rows(m, band.matrix()); // (R, 1)
        Tensor factor = rows.div(rows.mean(0, true)).rsqrt(); // (R, 1)
        Tensor columns = now.factors.columns(m, band.matrix()).rsqrt(); // (1, C)
        return Factors.of(now.gradient, m, band)
                .mul(now.step.gradientScale())
                .mulInPlace(factor.narrow(0, band.from(), band.size()).mul(columns));
    }

    /// @param moment null where there is none
    private void move(
            Now now, Tensor values, Tensor update, double rate, double clip, Tensor moment) {
        Tensor change = update.mul(clip).mulInPlace(rate);
        if (moment != null) {
            double decay = beta1.orElseThrow();
            change = moment.mulInPlace(decay).addInPlace(change.mul(1 - decay));
        }
        if (now.piece.weightDecay() > 0) {
            values.mulInPlace(1 - now.piece.weightDecay() * rate);
        }
        values.subInPlace(change);
    }
}
