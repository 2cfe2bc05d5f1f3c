package org.attune.optim;

import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

/// The average that schedule-free optimizers take
/// ([Defazio et al. 2024](https://arxiv.org/abs/2405.15682), Eq. 3 to 5), as schedulefree 1.4 has
/// it. `y` is where gradients are taken, `z` what they move, `x` the average and result:
/// ```
/// y = (1 - β) z + β x        w = tʳ γ_maxᵖ        c = w / Σ w
/// y ← y + c (z - y) + γ (β (1 - c) - 1) d         z ← z - γ d
/// ```
/// `γ` rises over the warm-up, `γ_max` is its largest value so far, `d` the direction.
///
/// @param beta β, share of the average where gradients are taken, (0, 1)
/// @param warmupSteps steps in which the rate rises, evenly from its first part; ≥ 0
/// @param r power of the step's number in a weight
/// @param ratePower p, power of the rate in a weight
record Averaging(double beta, int warmupSteps, double r, double ratePower) {
    private static final int LARGEST = 0;
    private static final int WEIGHTS = 1;
    private static final int SHARE = 2;

    /// Numbers that all parameters share: largest rate, sum of weights, `c` of this step.
    static final int SHARED = 3;

    public Averaging {
        Ranges.require(beta > 0 && beta < 1, "the momentum must be in (0, 1)", beta);
        Ranges.require(warmupSteps >= 0, "warmup_steps must be >= 0", warmupSteps);
        Ranges.require(Double.isFinite(r), "r must be finite", r);
        Ranges.notNegative("weight_lr_power", ratePower);
    }

    /// Brings the shared numbers to a step.
    void begin(Step step, double[] shared) {
        double rate = step.learningRate() * warmup(step);
        shared[LARGEST] = Math.max(rate, shared[LARGEST]);
        double weight = Math.pow(step.number(), r) * Math.pow(shared[LARGEST], ratePower);
        shared[WEIGHTS] += weight;
        shared[SHARE] = shared[WEIGHTS] == 0 ? 0 : weight / shared[WEIGHTS];
    }

    private double warmup(Step step) {
        return step.number() <= warmupSteps ? (double) step.number() / warmupSteps : 1;
    }

    /// @param y changed
    /// @param z changed; in the first step it is set to `y` before
    /// @param direction with the penalty
    void move(Piece piece, Tensor y, Tensor z, Tensor direction, Step step) {
        double rate = piece.rate(step) * warmup(step);
        double share = step.shared()[SHARE];
        Elements.blendInPlace(y, z, share);
        y.addInPlace(direction.mul(rate * (beta * (1 - share) - 1)));
        z.subInPlace(direction.mul(rate));
    }

    /// `x` of `y` and `z`.
    ///
    /// @param y becomes `x`
    void showResult(Tensor y, Tensor z) {
        Elements.blendInPlace(y, z, 1 - 1 / beta);
    }
}
