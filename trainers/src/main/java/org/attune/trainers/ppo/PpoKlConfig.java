package org.attune.trainers.ppo;

import org.attune.records.CopyMethods;
import org.attune.reward.KlEstimator;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;

/// The pull to the reference.
///
/// @param klCoef weight β of the divergence, the first one where it is adaptive; ≥ 0; 0: no
///     reference is needed
/// @param klEstimator how the divergence is estimated from a token
/// @param klIn where it counts
/// @param klController how β develops
/// @param klControllerTarget divergence of a completion that an adaptive β keeps, in nats; > 0
/// @param klControllerHorizon completions in which an adaptive β changes by about a fifth; > 0
@CopyMethods
public record PpoKlConfig(
        @InRange(min = 0) double klCoef,
        KlEstimator klEstimator,
        KlPlace klIn,
        KlControllerType klController,
        @InRange(min = 0, minOpen = true) double klControllerTarget,
        @InRange(min = 0, minOpen = true) double klControllerHorizon)
        implements PpoKlConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static PpoKlConfig defaults() {
        return PpoKlConfigCopies.blank()
                .withKlCoef(0.05)
                .withKlEstimator(KlEstimator.K1)
                .withKlIn(KlPlace.REWARD)
                .withKlController(KlControllerType.FIXED)
                .withKlControllerTarget(6)
                .withKlControllerHorizon(10_000);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (klIn == KlPlace.LOSS && klEstimator == KlEstimator.K1 && klCoef > 0) {
            return List.of(
                    new ConfigProblem(
                            "kl_estimator",
                            klEstimator,
                            "k2 or k3 where kl_in is loss: the gradient of k1 is 0 on average, so"
                                    + " it would pull to nothing"));
        }
        if (klController == KlControllerType.ADAPTIVE && klCoef == 0) {
            return List.of(
                    new ConfigProblem(
                            "kl_coef",
                            klCoef,
                            "> 0 where kl_controller is adaptive, which multiplies it"));
        }
        return List.of();
    }
}
