package org.attune.reward.external;

import org.attune.program.GivenClasses;
import org.attune.reward.RewardFunction;

import java.nio.file.Path;

/// Rewards written in Java: a source file, compiled when the run starts, or a class on the class
/// path.
///
/// Either is a class with a constructor without parameters that implements [RewardFunction]:
/// ```
/// /// ///
/// public class Polite implements RewardFunction {
///     public List<OptionalDouble> score(RewardBatch batch) {
///         return batch.completions().stream()
///                 .map(c -> OptionalDouble.of(c.text().contains("please") ? 1 : 0))
///                 .toList();
///     }
/// }
/// ```
public final class JavaRewards {
    private static final GivenClasses REWARDS =
            new GivenClasses(
                    "reward",
                    RewardFunction.class,
                    RewardFunction.class::isAssignableFrom,
                    "implements " + RewardFunction.class.getName());

    private JavaRewards() {}

    /// Compiles a source file against the running program's class path, in memory, and makes an
    /// instance of the class in it that implements [RewardFunction]. If there are several, the one
    /// that is called like the file.
    ///
    /// @throws org.attune.error.ConfigException if the file can't be read, doesn't compile (with
    ///     `file:line: message` for each error), holds no such class, or this Java has no compiler
    public static RewardFunction fromFile(Path file) {
        return (RewardFunction) REWARDS.fromFile(file).make();
    }

    /// Makes an instance of a class on the class path.
    ///
    /// @param name with its package
    /// @throws org.attune.error.ConfigException if there is no such class, or it isn't a reward
    public static RewardFunction fromClass(String name) {
        return (RewardFunction) REWARDS.fromClass(name).make();
    }
}
