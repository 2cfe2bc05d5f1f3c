package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.List;

/// Takes what a reward function tells besides its rewards. Every method may be called from any
/// thread; what arrives after the function's call was given up is ignored.
@Api(STABLE)
public interface RewardLog {
    /// Ignores everything.
    RewardLog NONE =
            new RewardLog() {
                @Override
                public void metric(String name, double value) {}

                @Override
                public void extra(String column, List<?> values) {}
            };

    /// A number for the training log, as TRL's `log_metric`. Values of one name that come in one
    /// round are averaged, each weighted by the number of completions in its call.
    void metric(String name, double value);

    /// A column for the table of completions, as TRL's `log_extra`.
    ///
    /// @param values one per completion of the batch, in order; null is an empty cell
    /// @throws IllegalArgumentException if there are more or fewer values than completions
    void extra(String column, List<?> values);

    /// Says that a completion could not be judged, and why. It has no reward then, which counts as
    /// a failure and not as "doesn't apply". Ignored unless someone counts.
    ///
    /// @param index of the completion in the batch
    /// @param why in one line
    default void failed(int index, String why) {}

    /// Says how the turns of an episode make up its reward. Ignored unless someone credits turns.
    ///
    /// @param index of the completion in the batch
    /// @param rewards of its turns, in order; what they lack to the whole reward is the last
    ///     turn's
    default void turns(int index, double[] rewards) {}
}
