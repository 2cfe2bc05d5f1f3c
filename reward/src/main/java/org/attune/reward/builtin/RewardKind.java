package org.attune.reward.builtin;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.reward.RewardFunction;

import java.nio.file.Path;

/// A kind of reward that a run's file can name beside the built-in ones, as `brevity` or `{name:
/// brevity, limit: 200}`. A jar on the class path brings one by
/// `META-INF/services/org.attune.reward.builtin.RewardKind`.
@Api(EXPERIMENTAL)
public interface RewardKind {
    /// By which it is named; without a dot, which would name a function of Python.
    String name();

    /// Makes the function. What can be known to be wrong at the start is refused now.
    ///
    /// @param parameters all others of the entry; the kind calls [Parameters#check]
    /// @param directory of the run's file; paths are looked for there too
    /// @throws ConfigException if a parameter is unknown, missing or bad
    RewardFunction open(Parameters parameters, Path directory);
}
