package org.attune.trainers.grpo;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.RolloutRun;

/// A run that learns from groups of completions without a critic: GRPO, RLOO and what is between
/// them.
@Api(EXPERIMENTAL)
public sealed interface GroupRun extends RolloutRun permits GrpoConfig, RlooConfig {
    /// Weight of the divergence from the reference, in the loss or in the reward; 0: there is no
    /// reference.
    double beta();

    /// Whether the policy drops nothing.
    boolean disableDropout();

    /// Whether further prompts are completed until groups differ.
    RefillConfig refill();

    /// Whether groups of earlier rounds are used again.
    boolean replays();

    /// Sets what was decided when the memory was known.
    ///
    /// @param slots most sequences generated at once
    /// @param reuses whether generation's activations are kept
    GroupRun fitted(TrainingConfig training, int slots, boolean reuses);
}
