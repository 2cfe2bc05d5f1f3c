package org.attune.optim;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Tensor;

/// Neighbouring parameters of one setting, a parameter, or some of a parameter's numbers.
///
/// @param parameter to which the first number belongs
/// @param start of the first number in the optimizer's state
/// @param value of the first number in the values
/// @param gradient of the first number in the gradients
/// @param length numbers
/// @param setting weight decay and learning rate
public record Piece(
        Parameter parameter,
        long start,
        long value,
        long gradient,
        long length,
        ParameterSetting setting) {
    /// The learning rate of its numbers.
    double rate(Step step) {
        return step.learningRate() * setting.rateFactor();
    }

    double weightDecay() {
        return setting.weightDecay();
    }

    /// The piece's numbers in a tensor of state, which has one for each parameter's number.
    Tensor of(Tensor flat) {
        return flat.narrow(0, start, length);
    }

    Tensor values(Tensor flat) {
        return flat.narrow(0, value, length);
    }

    Tensor gradients(Tensor flat) {
        return flat.narrow(0, gradient, length);
    }

    /// Whether a piece stands behind this one wherever its numbers are.
    boolean continuesWith(Piece next) {
        return start + length == next.start
                && value + length == next.value
                && gradient + length == next.gradient
                && setting.equals(next.setting);
    }

    Piece with(Piece next) {
        return new Piece(parameter, start, value, gradient, length + next.length, setting);
    }

    /// Some of its numbers.
    Piece part(long from, long count) {
        return new Piece(parameter, start + from, value + from, gradient + from, count, setting);
    }
}
