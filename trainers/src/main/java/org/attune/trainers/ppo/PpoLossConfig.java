package org.attune.trainers.ppo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;

/// PPO's objective and its estimates of advantages.
///
/// @param cliprange ε of the policy's ratio; > 0
/// @param dualClip largest ratio that a bad token is punished by; > 1; unset: no bound
/// @param vfCoef weight of the critic's loss; ≥ 0
/// @param cliprangeValue how far a value may move from the one before the update; ≥ 0; 0: as far
///     as it likes
/// @param gamma discount; in [0, 1]
/// @param lam λ of the advantages; in [0, 1]
/// @param gaeUnit what `gamma` and `lam` are counted by
/// @param whitenRewards whether the tokens' rewards are scaled to variance 1
/// @param whitenAdvantages whether advantages are scaled to mean 0 and variance 1
/// @param entropyCoef weight of the policy's entropy, which is taken off the loss; ≥ 0
/// @param trlCompat whether TRL 1.10's peculiarities are kept; `docs/ppo.md` lists them
@CopyMethods
public record PpoLossConfig(
        @InRange(min = 0, minOpen = true) double cliprange,
        @InRange(min = 1, minOpen = true) OptionalDouble dualClip,
        @InRange(min = 0) double vfCoef,
        @InRange(min = 0) double cliprangeValue,
        @InRange(min = 0, max = 1) double gamma,
        @InRange(min = 0, max = 1) double lam,
        GaeUnit gaeUnit,
        boolean whitenRewards,
        boolean whitenAdvantages,
        @InRange(min = 0) double entropyCoef,
        boolean trlCompat)
        implements PpoLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static PpoLossConfig defaults() {
        return PpoLossConfigCopies.blank()
                .withCliprange(0.2)
                .withVfCoef(0.1)
                .withCliprangeValue(0.2)
                .withGamma(1)
                .withLam(0.95)
                .withGaeUnit(GaeUnit.TOKEN)
                .withWhitenAdvantages(true);
    }
}
