package org.attune.bench;

import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.Optional;

/// What one repeat measured.
///
/// @param steps all, those of the warm-up first
/// @param warmUp how many of them are the warm-up
/// @param firstStepSeconds from the start of the process to the end of the first optimizer step;
///     empty where nothing is trained
/// @param peakBytes most resident memory of the process; 0 if the system does not tell
/// @param deviceBytes most bytes of tensors on GPUs; 0 on a processor
/// @param ceiling how fast the products run by themselves, measured after everything else
/// @param model shape that was measured
/// @param dtype of weights and products, by its name in Attune
/// @param operators time by phase and operator, the longest first; empty without a profile
public record BenchRun(
        List<StepCost> steps,
        int warmUp,
        Optional<Double> firstStepSeconds,
        long peakBytes,
        long deviceBytes,
        GemmCeiling ceiling,
        ModelShape model,
        String dtype,
        List<OperatorCost> operators) {
    public BenchRun {
        steps = List.copyOf(steps);
        operators = List.copyOf(operators);
    }

    /// Most bytes of tensors that this process had on GPUs so far.
    static long peakOfGpus() {
        return TensorScope.peaksOfGpus().values().stream().mapToLong(bytes -> bytes).sum();
    }

    /// Steps after the warm-up.
    public List<StepCost> measured() {
        return steps.subList(warmUp, steps.size());
    }

    /// One line of a profile, over all measured steps.
    public record OperatorCost(String phase, String operator, long calls, double seconds) {}
}
