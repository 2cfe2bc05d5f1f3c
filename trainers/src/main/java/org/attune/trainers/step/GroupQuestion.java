package org.attune.trainers.step;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;

import java.util.List;

/// What the policy's head is asked about a group of rows, and what frozen models answered about the
/// same rows. It is open while the policy's pass lasts.
public interface GroupQuestion extends AutoCloseable {
    /// What the head reports of each target.
    HeadRequest request();

    /// Returns what a frozen model answered: of each row, in the order of its columns, or one array
    /// of all targets; empty without one.
    ///
    /// @param policy what the policy answered, of the same targets
    default List<double[]> reference(Measurement policy) {
        return List.of();
    }

    @Override
    default void close() {}

    /// Asks the policy alone.
    static GroupQuestion of(HeadRequest request) {
        return () -> request;
    }
}
