package org.attune.bench;

import org.attune.trainers.loop.PassWork;

import java.util.Map;

/// What one optimizer step, or one call of the generator, cost.
///
/// @param seconds wall time
/// @param processorSeconds processor time of the thread that computes, which with one thread does
///     all the work; 0 in results that are older
/// @param tokens of the rows, a shared prompt counted for each; of a generation all that were
///     sampled
/// @param rows examples, pairs, completions or sequences
/// @param phases seconds by phase
/// @param passes what passed through the model, by phase
/// @param flops floating-point operations by phase
/// @param recomputed operations that the backward pass did a second time
/// @param heapBytes allocated on the Java heap by the training thread
/// @param tensors created, views included
public record StepCost(
        double seconds,
        double processorSeconds,
        long tokens,
        int rows,
        Map<String, Double> phases,
        Map<String, PassWork> passes,
        Map<String, Double> flops,
        double recomputed,
        long heapBytes,
        long tensors) {
    /// All operations but those computed again.
    public double allFlops() {
        return flops.values().stream().mapToDouble(Double::doubleValue).sum();
    }
}
