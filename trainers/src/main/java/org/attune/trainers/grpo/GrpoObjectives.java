package org.attune.trainers.grpo;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;

import java.util.Set;

/// The objective that a configuration describes.
final class GrpoObjectives {
    private GrpoObjectives() {}

    static GrpoObjective of(GrpoLossConfig config) {
        return new GrpoObjective(
                loss(config),
                config.importanceSamplingLevel() == ImportanceSamplingLevel.SEQUENCE,
                config.beta(),
                config.useBiasCorrectionKl());
    }

    private static PolicyLoss loss(GrpoLossConfig c) {
        double epsilonHigh = c.epsilonHigh().orElse(c.epsilon());
        return switch (c.lossType()) {
            case CISPO -> new PolicyLoss.Cispo(epsilonHigh);
            case SAPO -> new PolicyLoss.Sapo(c.sapoTemperaturePos(), c.sapoTemperatureNeg());
            case VESPO ->
                    new PolicyLoss.Vespo(
                            c.vespoKPos(), c.vespoLambdaPos(), c.vespoKNeg(), c.vespoLambdaNeg());
            case GRPO, BNPO, DR_GRPO, DAPO, LUSPO ->
                    new PolicyLoss.Clipped(
                            c.epsilon(), epsilonHigh, c.delta().orElse(Double.POSITIVE_INFINITY));
        };
    }

    /// @param longest `max_completion_length`
    static Normaliser normaliser(GrpoLossType type, int longest) {
        return switch (type) {
            case GRPO, SAPO -> new Normaliser.PerSequence();
            case BNPO -> new Normaliser.PerMicroBatch();
            case DR_GRPO -> new Normaliser.Constant(longest);
            case DAPO, CISPO, VESPO -> new Normaliser.PerWindow();
            case LUSPO -> new Normaliser.PerRow();
        };
    }

    /// What the policy's head computes beside log-probabilities.
    static HeadRequest request(GrpoConfig config) {
        return new HeadRequest(Set.of(HeadStatistic.ENTROPY), config.generation().temperature());
    }

    /// Log-probabilities alone.
    static HeadRequest plainRequest(GrpoConfig config) {
        return new HeadRequest(Set.of(), config.generation().temperature());
    }
}
