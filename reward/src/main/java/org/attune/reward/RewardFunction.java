package org.attune.reward;

import java.util.List;
import java.util.OptionalDouble;

/// Judges completions. Users write these; a lambda is enough:
/// ```
/// RewardFunction brevity =
///         batch -> batch.completions().stream()
///                 .map(c -> OptionalDouble.of(-c.text().length() / 1000.0))
///                 .toList();
/// ```
///
/// A function may be called from several threads at once and never touches a tensor.
@FunctionalInterface
public interface RewardFunction {
    /// Scores a batch.
    ///
    /// @return one entry per completion, in order: a finite reward, or empty where the function
    ///     doesn't apply
    List<OptionalDouble> score(RewardBatch batch);

    /// Name in metrics, `rewards/<name>/mean`.
    default String name() {
        return getClass().getSimpleName();
    }
}
