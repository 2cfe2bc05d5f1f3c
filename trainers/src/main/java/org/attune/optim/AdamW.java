package org.attune.optim;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.AdamWKernel;

import java.util.List;

/// AdamW ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101), Alg. 2), with the
/// operations and the order of `torch.optim.AdamW`:
/// ```
/// θ ← θ (1 - γ λ)                                  where weight decay applies
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// θ ← θ - γ / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
/// ```
/// With `amsgrad` ([Reddi et al. 2018](https://arxiv.org/abs/1904.09237)) the largest `v` so far
/// takes the place of `v`; as in PyTorch, the largest of the uncorrected ones. Without `amsgrad`
/// one pass over the flat tensors does it all on a processor, and one launch on a GPU.
///
/// @param beta1 decay of the first moment, [0, 1)
/// @param beta2 decay of the second moment, [0, 1)
/// @param epsilon added to the root of the second moment; ≥ 0
/// @param amsgrad whether the second moment never falls
@Api(EXPERIMENTAL)
public record AdamW(double beta1, double beta2, double epsilon, boolean amsgrad)
        implements ElementFormula {
    static final Moment FIRST = new Moment("exp_avg", true);
    static final Moment SECOND = new Moment("exp_avg_sq", false);
    static final Moment LARGEST = new Moment("max_exp_avg_sq", false);

    public AdamW {
        Ranges.decay("adam_beta1", beta1);
        Ranges.decay("adam_beta2", beta2);
        Ranges.notNegative("adam_epsilon", epsilon);
    }

    /// PyTorch's defaults.
    public static AdamW defaults() {
        return new AdamW(0.9, 0.999, 1e-8, false);
    }

    @Override
    public List<Moment> moments() {
        return amsgrad ? List.of(FIRST, SECOND, LARGEST) : List.of(FIRST, SECOND);
    }

    @Override
    public boolean clipsThere(Device device) {
        return !amsgrad && DeviceKernels.serveUpdates(device);
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        double rate = piece.rate(step);
        double decay = piece.weightDecay() > 0 ? 1 - rate * piece.weightDecay() : 1;
        if (!amsgrad && VectorKernels.serve(values.device(), DType.FLOAT32)) {
            VectorKernels.adamW(
                    kernel(decay, step, rate), values, gradient, moments.get(0), moments.get(1));
        } else if (!amsgrad && DeviceKernels.serveUpdates(values.device())) {
            DeviceKernels.adamW(
                    kernel(decay, step, rate),
                    values,
                    gradient,
                    moments.get(0),
                    moments.get(1),
                    step.clipping().orElse(null));
        } else if (step.clipping().isPresent()) {
            throw new IllegalStateException("operators don't take a factor from the GPU");
        } else {
            byOperators(values, gradient, moments, step, rate, decay);
        }
    }

    private AdamWKernel kernel(double decay, Step step, double rate) {
        return new AdamWKernel(
                (float) decay,
                (float) step.gradientScale(),
                (float) beta1,
                (float) (1 - beta1),
                (float) beta2,
                (float) (1 - beta2),
                (float) (1 / rootCorrection(step)),
                (float) epsilon,
                (float) (rate / firstCorrection(step)));
    }

    /// Updates by operators. Their roots differ from the kernel's, which are rounded to the
    /// nearest, in the last bit.
    void byOperators(
            Tensor values,
            Tensor gradient,
            List<Tensor> moments,
            Step step,
            double rate,
            double decay) {
        if (decay != 1) {
            values.mulInPlace(decay);
        }
        double scale = step.gradientScale();
        change(values, scale == 1 ? gradient : gradient.mul(scale), moments, step, rate);
    }

    /// The change without decay.
    ///
    /// @param gradient scaled
    void change(Tensor values, Tensor gradient, List<Tensor> moments, Step step, double rate) {
        Tensor m = moments.get(0);
        Tensor v = moments.get(1);
        m.mulInPlace(beta1).addInPlace(gradient.mul(1 - beta1));
        v.mulInPlace(beta2).addInPlace(gradient.square().mul(1 - beta2));
        if (amsgrad) {
            moments.get(2).copyInPlace(Elements.maximum(moments.get(2), v));
            v = moments.get(2);
        }
        Tensor root = v.sqrt().mul(1 / rootCorrection(step)).add(epsilon);
        values.subInPlace(m.div(root).mul(rate / firstCorrection(step)));
    }

    private double firstCorrection(Step step) {
        return 1 - Math.pow(beta1, step.number());
    }

    private double rootCorrection(Step step) {
        return Math.sqrt(1 - Math.pow(beta2, step.number()));
    }
}
