package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;

/// What a run does about the policy's entropy.
///
/// @param entropyCoef weight of the entropy bonus, which is taken off the loss; with
///     `use_adaptive_entropy` the one to start from
/// @param useAdaptiveEntropy whether the weight is led towards `entropy_target`
/// @param entropyCoefMin least weight that it is led to
/// @param entropyCoefMax largest
/// @param entropyCoefDelta by how much a step changes it
/// @param entropyTarget mean entropy of a token, nats
/// @param topEntropyQuantile share of the tokens that learn, those of highest entropy; 1: all
@CopyMethods
public record EntropyConfig(
        @InRange double entropyCoef,
        boolean useAdaptiveEntropy,
        @InRange double entropyCoefMin,
        @InRange double entropyCoefMax,
        @InRange(min = 0) double entropyCoefDelta,
        @InRange(min = 0) double entropyTarget,
        @InRange(min = 0, max = 1) double topEntropyQuantile)
        implements EntropyConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static EntropyConfig defaults() {
        return EntropyConfigCopies.blank()
                .withEntropyCoefMax(1)
                .withEntropyCoefDelta(0.005)
                .withEntropyTarget(0.2)
                .withTopEntropyQuantile(1);
    }

    /// Whether there is a bonus.
    public boolean hasBonus() {
        return entropyCoef != 0 || useAdaptiveEntropy;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return useAdaptiveEntropy && entropyCoefMin > entropyCoefMax
                ? List.of(
                        new ConfigProblem(
                                "entropy_coef_min",
                                entropyCoefMin,
                                "at most entropy_coef_max (" + entropyCoefMax + ")"))
                : List.of();
    }
}
