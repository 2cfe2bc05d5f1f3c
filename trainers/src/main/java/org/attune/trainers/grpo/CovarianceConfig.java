package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

/// The tokens that the losses `clip_cov` and `kl_cov` treat apart. Names and defaults are verl's
/// where it has them, whose `ppo_kl_coef` is `kl_cov_coef` here.
///
/// @param clipCovRatio `clip_cov`: share of the tokens that is left out
/// @param clipCovLb `clip_cov`: least covariance of those
/// @param clipCovUb `clip_cov`: largest
/// @param klCovRatio `kl_cov`: share of the tokens that is penalised
/// @param klCovCoef `kl_cov`: weight of the penalty
@CopyMethods
public record CovarianceConfig(
        @InRange(min = 0, max = 1) double clipCovRatio,
        @InRange double clipCovLb,
        @InRange double clipCovUb,
        @InRange(min = 0, max = 1) double klCovRatio,
        @InRange(min = 0) double klCovCoef)
        implements CovarianceConfigCopies {
    /// The defaults, as listed at the parameters.
    public static CovarianceConfig defaults() {
        return CovarianceConfigCopies.blank()
                .withClipCovRatio(0.0002)
                .withClipCovLb(1)
                .withClipCovUb(5)
                .withKlCovRatio(0.0002)
                .withKlCovCoef(1);
    }
}
