package org.attune.trainers.memory;

import org.attune.model.pass.Recomputation;
import org.attune.policy.StepMemory;

import java.util.List;

/// The memory that training needs for a run's models. Their optimizers stay, their passes take
/// turns.
///
/// @param trained models with their own passes, the policy first
/// @param optimizer bytes of all moments
public record MemoryNeed(List<StepMemory> trained, long optimizer) {
    /// Passes of several models leave gaps that the others' tensors don't fit into (measured with a
    /// policy and a critic, docs/lab/performance.md).
    private static final double GAPS_OF_SEVERAL = 1.35;

    /// Of one model alone.
    public static MemoryNeed of(StepMemory policy) {
        return new MemoryNeed(List.of(policy), policy.optimizer());
    }

    /// Blocks of the policy.
    int layers() {
        return trained.getFirst().activations().layers();
    }

    /// As [StepMemory#attentionToProducts], of the policy.
    double attentionToProducts(int row) {
        return trained.getFirst().attentionToProducts(row);
    }

    /// Bytes that are still to come when the models stand there.
    ///
    /// @param tokens computed at once
    /// @param recomputed in the backward pass
    long toCome(int tokens, Recomputation recomputed) {
        long pass = trained.stream().mapToLong(m -> m.pass(tokens, recomputed)).max().orElse(0);
        return optimizer + (trained.size() > 1 ? (long) (GAPS_OF_SEVERAL * pass) : pass);
    }
}
