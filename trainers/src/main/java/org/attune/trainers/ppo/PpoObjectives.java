package org.attune.trainers.ppo;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;

import java.util.EnumSet;
import java.util.Set;

/// The parts of PPO that a configuration describes.
final class PpoObjectives {
    /// TRL adds it, against division by a temperature of 0.
    private static final double TRL_TEMPERATURE = 1e-7;

    private PpoObjectives() {}

    /// @param klCoef as the controller has it now
    static PpoObjective policy(PpoConfig config, double klCoef) {
        return new PpoObjective(
                config.loss().cliprange(),
                config.loss().dualClip().orElse(Double.POSITIVE_INFINITY),
                config.kl().klIn() == KlPlace.LOSS ? klCoef : 0,
                config.kl().klEstimator(),
                config.loss().entropyCoef());
    }

    static ValueObjective value(PpoConfig config) {
        double range = config.loss().cliprangeValue();
        return new ValueObjective(range == 0 ? Double.POSITIVE_INFINITY : range);
    }

    static KlController controller(PpoConfig config) {
        return config.kl().klController() == KlControllerType.FIXED
                ? new KlController.Fixed(config.kl().klCoef())
                : new KlController.Adaptive(
                        config.kl().klCoef(),
                        config.kl().klControllerTarget(),
                        config.kl().klControllerHorizon());
    }

    static UpdatePlan plan(PpoConfig config) {
        return new UpdatePlan(
                config.completionsPerUpdate(),
                config.updates().numMiniBatches(),
                config.training().batch().perDeviceTrainBatchSize(),
                config.training().batch().microBatchesOfStep(),
                config.loss().trlCompat());
    }

    private static double temperature(PpoConfig config) {
        return config.sampling().temperature() + (config.loss().trlCompat() ? TRL_TEMPERATURE : 0);
    }

    /// Log-probabilities alone.
    static HeadRequest plainRequest(PpoConfig config) {
        return new HeadRequest(Set.of(), temperature(config));
    }

    /// What is asked of a policy before an update.
    ///
    /// @param valueHead whether its trunk has the critic's head
    static HeadRequest oldRequest(PpoConfig config, boolean valueHead) {
        return valueHead
                ? new HeadRequest(EnumSet.of(HeadStatistic.VALUE), temperature(config))
                : plainRequest(config);
    }

    /// What is asked of a policy in an update.
    ///
    /// @param valueHead whether its trunk has the critic's head
    static HeadRequest request(PpoConfig config, boolean valueHead) {
        Set<HeadStatistic> statistics = EnumSet.of(HeadStatistic.ENTROPY);
        Set<HeadStatistic> learned = EnumSet.noneOf(HeadStatistic.class);
        if (config.loss().entropyCoef() > 0) {
            learned.add(HeadStatistic.ENTROPY);
        }
        if (valueHead) {
            statistics.add(HeadStatistic.VALUE);
            learned.add(HeadStatistic.VALUE);
        }
        return new HeadRequest(statistics, temperature(config), learned);
    }
}
