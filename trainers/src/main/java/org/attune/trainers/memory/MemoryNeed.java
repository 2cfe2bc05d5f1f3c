package org.attune.trainers.memory;

import org.attune.model.pass.Recomputation;
import org.attune.policy.StepMemory;
import org.attune.policy.TeacherMemory;

import java.util.List;
import java.util.Optional;

/// The memory that training needs for a run's models. Their optimizers stay, their passes take
/// turns.
///
/// @param trained models with their own passes, the policy first
/// @param optimizer bytes of all moments
/// @param teacher that the first one learns from
public record MemoryNeed(
        List<StepMemory> trained, long optimizer, Optional<TeacherMemory> teacher) {
    /// Passes of several models leave gaps that the others' tensors don't fit into (measured with a
    /// policy and a critic, docs/lab/performance.md).
    private static final double GAPS_OF_SEVERAL = 1.35;

    /// What models need that learn from no teacher.
    public MemoryNeed(List<StepMemory> trained, long optimizer) {
        this(trained, optimizer, Optional.empty());
    }

    /// What one model alone needs.
    ///
    /// @param optimizer bytes of its state
    public static MemoryNeed of(StepMemory policy, long optimizer) {
        return new MemoryNeed(List.of(policy), optimizer);
    }

    /// What a student needs beside its teacher.
    ///
    /// @param optimizer bytes of its state
    /// @param teacher empty if it takes no memory here
    public static MemoryNeed of(
            StepMemory student, long optimizer, Optional<TeacherMemory> teacher) {
        return new MemoryNeed(List.of(student), optimizer, teacher);
    }

    /// Blocks of the policy.
    int layers() {
        return trained.getFirst().activations().layers();
    }

    /// The policy's [StepMemory#attentionToProducts].
    double attentionToProducts(int row) {
        return trained.getFirst().attentionToProducts(row);
    }

    /// Bytes that are still to come when the models stand there.
    ///
    /// @param tokens computed at once
    /// @param recomputed in the backward pass
    long toCome(int tokens, Recomputation recomputed) {
        long pass = trained.stream().mapToLong(m -> m.pass(tokens, recomputed)).max().orElse(0);
        long passes = trained.size() > 1 ? (long) (GAPS_OF_SEVERAL * pass) : pass;
        long learning = passes + teacher.map(t -> t.kept(tokens)).orElse(0L);
        return optimizer + Math.max(learning, teacher.map(t -> t.reading(tokens)).orElse(0L));
    }
}
