package org.attune.trainers.referencefree;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;

/// The objective of contrastive preference optimisation and its relatives.
///
/// @param lossType which preference loss
/// @param beta β, factor of the rewards; > 0
/// @param labelSmoothing ε, probability that a label is flipped
/// @param cpoAlpha weight of the chosen completions' negative log-likelihood; ≥ 0. `alphapo` is
///     without it, whatever this says, as in TRL
/// @param simpoGamma γ, margin between the rewards, of `simpo` and `alphapo` only; ≥ 0
/// @param alpha α of AlphaPO's reward `(1 - p^-α) / α`, for every loss; 0: the log-probability
@CopyMethods
public record CpoLossConfig(
        CpoLossType lossType,
        @InRange(min = 0, minOpen = true) double beta,
        @InRange(min = 0, max = 0.5, maxOpen = true) double labelSmoothing,
        @InRange(min = 0) double cpoAlpha,
        @InRange(min = 0) double simpoGamma,
        @InRange double alpha)
        implements CpoLossConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static CpoLossConfig defaults() {
        return CpoLossConfigCopies.blank()
                .withLossType(CpoLossType.SIGMOID)
                .withBeta(0.1)
                .withCpoAlpha(1)
                .withSimpoGamma(0.5);
    }

    /// Weight of the negative log-likelihood.
    double imitation() {
        return lossType == CpoLossType.ALPHAPO ? 0 : cpoAlpha;
    }

    PairLoss loss() {
        PairLoss plain =
                switch (lossType) {
                    case SIGMOID -> new PairLoss.Sigmoid(beta, labelSmoothing);
                    case HINGE -> new PairLoss.Hinge(beta);
                    case IPO -> new PairLoss.Ipo(beta);
                    case SIMPO, ALPHAPO -> new PairLoss.Margin(beta, simpoGamma, labelSmoothing);
                };
        return alpha == 0 ? plain : new PairLoss.Shaped(plain, alpha);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        boolean smooth = lossType != CpoLossType.HINGE && lossType != CpoLossType.IPO;
        return smooth || labelSmoothing == 0
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                "label_smoothing",
                                labelSmoothing,
                                "0, since loss_type hinge and ipo know no flipped labels"));
    }
}
