package org.attune.trainers.referencefree;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;

/// The objective of triple preference optimisation.
///
/// @param lossType which preference loss
/// @param beta β, factor of the rewards; > 0
/// @param labelSmoothing ε, probability that a label is flipped
/// @param tpoAlpha weight of the third answers' negative log-likelihood; ≥ 0. With 0 they are not
///     computed
/// @param tpoLGamma γ, margin between the rewards, of `tpo-l` only; ≥ 0
/// @param disableDropout whether the adapter's dropout is off
/// @param trlCompat whether rows whose prompt leaves no token of their answers are kept, as in TRL;
///     else they are left out
@CopyMethods
public record TpoLossConfig(
        TpoLossType lossType,
        @InRange(min = 0, minOpen = true) double beta,
        @InRange(min = 0, max = 0.5, maxOpen = true) double labelSmoothing,
        @InRange(min = 0) double tpoAlpha,
        @InRange(min = 0) double tpoLGamma,
        boolean disableDropout,
        boolean trlCompat)
        implements TpoLossConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static TpoLossConfig defaults() {
        return TpoLossConfigCopies.blank()
                .withLossType(TpoLossType.SIGMOID)
                .withBeta(0.01)
                .withTpoAlpha(1)
                .withTpoLGamma(0.5)
                .withDisableDropout(true);
    }

    PairLoss loss() {
        return switch (lossType) {
            case SIGMOID -> new PairLoss.Sigmoid(beta, labelSmoothing);
            case HINGE -> new PairLoss.Hinge(beta);
            case IPO -> new PairLoss.Ipo(beta);
            case TPO_L -> new PairLoss.Margin(beta, tpoLGamma, labelSmoothing);
        };
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        boolean smooth = lossType != TpoLossType.HINGE && lossType != TpoLossType.IPO;
        return smooth || labelSmoothing == 0
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                "label_smoothing",
                                labelSmoothing,
                                "0, since loss_type hinge and ipo know no flipped labels"));
    }
}
