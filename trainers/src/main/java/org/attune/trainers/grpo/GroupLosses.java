package org.attune.trainers.grpo;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.reward.AdvantageEstimator;
import org.attune.reward.Advantages;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The loss that a configuration describes.
final class GroupLosses {
    private GroupLosses() {}

    static GroupLoss of(GroupRun run) {
        return switch (run) {
            case GrpoConfig grpo -> of(grpo);
            case RlooConfig rloo -> of(rloo);
        };
    }

    private static GroupLoss of(GrpoConfig config) {
        GrpoLossConfig loss = config.loss();
        return new GroupLoss(
                loss.lossType() == GrpoLossType.A2PO
                        ? new AdvantageEstimator.Greedy() // compared with the prompt's value
                        : loss.advantageEstimator().estimator(loss, config.credit()),
                completion(loss, config),
                normaliser(loss.lossType(), config.maxCompletionLength()),
                config.beta(),
                loss.maskTruncatedCompletions(),
                choice(config),
                loss.offPolicyMaskThreshold().isPresent()
                        ? Optional.of(
                                new OffPolicyMask(loss.offPolicyMaskThreshold().getAsDouble()))
                        : Optional.empty(),
                loss.lossType() == GrpoLossType.FIPO
                        ? Optional.of(FutureInfluence.of(config.divergence(), loss.delta()))
                        : Optional.empty(),
                config.entropy(),
                Optional.of(config.sampler())
                        .filter(SamplerCorrection::vllmImportanceSamplingCorrection)
                        .filter(_ -> !loss.lossType().isOfCompletions()),
                config.refill(),
                config.replay());
    }

    private static GroupLoss of(RlooConfig config) {
        RlooLossConfig loss = config.loss();
        List<Double> bounds = loss.rewardClipRange();
        return new GroupLoss(
                new AdvantageEstimator.LeaveOneOut(
                        loss.beta(),
                        bounds.isEmpty()
                                ? Optional.empty()
                                : Optional.of(
                                        new Advantages.ClipRange(bounds.get(0), bounds.get(1))),
                        loss.normalizeAdvantages()),
                new SequenceRatio(loss.epsilon(), loss.epsilonHigh().orElse(loss.epsilon())),
                new Normaliser.PerRow(),
                loss.beta(),
                loss.maskTruncatedCompletions(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                EntropyConfig.defaults(),
                Optional.empty(),
                config.refill(),
                ReplayConfig.defaults());
    }

    private static CompletionLoss completion(GrpoLossConfig c, GrpoConfig config) {
        double beta = c.advantageEstimator().takesDivergence() ? 0 : c.beta();
        return switch (c.lossType()) {
            case GMPO -> new GeometricMean(c.lowBound(), c.highBound(), beta);
            case REAL -> new RewardLabels(c.realTau(), beta);
            case A2PO -> new AdvantageRegression(c.beta2());
            default ->
                    new GrpoObjective(
                            policyLoss(c, config),
                            c.importanceSamplingLevel(),
                            beta,
                            c.useBiasCorrectionKl());
        };
    }

    private static PolicyLoss policyLoss(GrpoLossConfig c, GrpoConfig config) {
        return switch (c.lossType()) {
            case CISPO -> new PolicyLoss.Cispo(0, c.highBound());
            case SAPO -> new PolicyLoss.Sapo(c.sapoTemperaturePos(), c.sapoTemperatureNeg());
            case VESPO ->
                    new PolicyLoss.Vespo(
                            c.vespoKPos(), c.vespoLambdaPos(), c.vespoKNeg(), c.vespoLambdaNeg());
            case KL_COV -> new PolicyLoss.KlCov(config.covariance().klCovCoef());
            case DPPO ->
                    new PolicyLoss.Dppo(
                            config.divergence().divergenceType(),
                            c.lowBound(),
                            c.highBound(),
                            config.divergence().clipRatioC());
            case GRPO, BNPO, DR_GRPO, DAPO, LUSPO, GMPO, CLIP_COV, FIPO, REAL, A2PO -> clipped(c);
        };
    }

    private static PolicyLoss.Clipped clipped(GrpoLossConfig c) {
        return new PolicyLoss.Clipped(
                c.lowBound(), c.highBound(), c.delta().orElse(Double.POSITIVE_INFINITY));
    }

    private static Optional<TokenChoice> choice(GrpoConfig config) {
        CovarianceConfig covariance = config.covariance();
        double share = config.entropy().topEntropyQuantile();
        if (share < 1) {
            return Optional.of(new TokenChoice.TopEntropy(share));
        }
        return switch (config.loss().lossType()) {
            case CLIP_COV ->
                    Optional.of(
                            new TokenChoice.ClipCov(
                                    covariance.clipCovRatio(),
                                    covariance.clipCovLb(),
                                    covariance.clipCovUb(),
                                    clipped(config.loss())));
            case KL_COV -> Optional.of(new TokenChoice.KlCov(covariance.klCovRatio()));
            default -> Optional.empty();
        };
    }

    /// @param longest `max_completion_length`
    static Normaliser normaliser(GrpoLossType type, int longest) {
        return switch (type) {
            case GRPO, SAPO -> new Normaliser.PerSequence();
            case BNPO -> new Normaliser.PerMicroBatch();
            case DR_GRPO -> new Normaliser.Constant(longest);
            case DAPO, CISPO, VESPO, CLIP_COV, KL_COV, DPPO, FIPO -> new Normaliser.PerWindow();
            case LUSPO, GMPO, REAL, A2PO -> new Normaliser.PerRow();
        };
    }

    /// What the policy's head computes beside log-probabilities.
    ///
    /// @param learnsEntropy whether the loss has a share in it
    static HeadRequest request(GroupRun config, boolean learnsEntropy) {
        Set<HeadStatistic> entropy = Set.of(HeadStatistic.ENTROPY);
        return new HeadRequest(
                entropy, config.sampling().temperature(), learnsEntropy ? entropy : Set.of());
    }

    /// Log-probabilities alone.
    static HeadRequest plainRequest(GroupRun config) {
        return new HeadRequest(Set.of(), config.sampling().temperature());
    }
}
