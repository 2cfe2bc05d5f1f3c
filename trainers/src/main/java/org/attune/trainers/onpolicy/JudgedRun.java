package org.attune.trainers.onpolicy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.models.ModelConfig;

/// A run whose completions are judged, whatever becomes of them.
@Api(EXPERIMENTAL)
public interface JudgedRun {
    /// The model that completes; judges that are models take its device and number format.
    ModelConfig model();

    /// How completions are judged.
    RewardConfig rewards();

    /// What the user calls an entry of [RewardConfig#rewardFuncs].
    ///
    /// @param number of the entry, from 0
    default String rewardPlace(int number) {
        return "reward_funcs[" + number + "]";
    }
}
