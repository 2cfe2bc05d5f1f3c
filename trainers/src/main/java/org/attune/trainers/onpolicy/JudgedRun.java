package org.attune.trainers.onpolicy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.models.ModelConfig;

import java.util.List;

/// A run whose completions are judged, whatever becomes of them.
@Api(EXPERIMENTAL)
public interface JudgedRun {
    /// The model that completes; judges that are models take its device and number format.
    ModelConfig model();

    /// How completions are judged.
    Rewards rewards();

    /// The entries of [Rewards#rewardFuncs], and what a method adds to them.
    default List<Object> judges() {
        return rewards().rewardFuncs();
    }

    /// What the user calls an entry of [#judges].
    ///
    /// @param number of the entry, from 0
    default String rewardPlace(int number) {
        return "reward_funcs[" + number + "]";
    }
}
