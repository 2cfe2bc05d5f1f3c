package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.trainers.testing.TrainerCase.Start;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/// What methods keep to whose reference may be computed once, before the run.
///
/// @param <R> a row
public interface ReferenceContract<R> {
    TrainerCase<R> trainerCase();

    /// As the case, with `precompute_ref_log_probs`.
    ///
    /// @param reference asked instead of the case's
    Start<R> precomputed(Scorer reference);

    /// Another table than the one that is trained.
    default Scorer reference() {
        return BigramPolicy.seeded(7, 2).frozen();
    }

    @Test
    default void thePrecomputedReferenceIsReadFromDiskTheSecondTime(@TempDir Path folder) {
        TrainerCase<R> live = trainerCase();
        float[] expected = new ContractRun<>(live, folder.resolve("live")).steps(2).end().weights();
        Path output = folder.resolve("precomputed");
        Scorer reference = Engine.call(this::reference);
        var first = new ContractRun<>(live, output).steps(2).starting(precomputed(reference));
        assertArrayEquals(expected, first.end().weights(), 0);
        Scorer never =
                (_, _) -> {
                    throw new AssertionError("scored again");
                };
        var second = new ContractRun<>(live, output).steps(2).starting(precomputed(never));
        assertArrayEquals(expected, second.end().weights(), 0);
    }
}
