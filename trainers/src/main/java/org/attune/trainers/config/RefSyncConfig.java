package org.attune.trainers.config;

import org.attune.records.CopyMethods;

/// A reference that follows the policy: TR-DPO,
/// [Gorbatovski et al. 2024](https://arxiv.org/abs/2404.09656). An exponential moving average is
/// the same with `ref_model_sync_steps: 1`.
///
/// @param syncRefModel whether it does
/// @param refModelMixupAlpha α, how far it moves each time: `θ_ref ← α θ + (1 − α) θ_ref`; 1: it
///     becomes the policy
/// @param refModelSyncSteps τ, steps from one time to the next
@CopyMethods
public record RefSyncConfig(
        boolean syncRefModel,
        @InRange(min = 0, max = 1) double refModelMixupAlpha,
        @InRange(min = 1) int refModelSyncSteps)
        implements RefSyncConfigCopies {
    /// TRL's defaults.
    public static RefSyncConfig defaults() {
        return RefSyncConfigCopies.blank().withRefModelMixupAlpha(0.6).withRefModelSyncSteps(512);
    }
}
