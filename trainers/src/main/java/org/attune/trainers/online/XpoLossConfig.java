package org.attune.trainers.online;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// The objective of exploratory preference optimisation.
///
/// @param beta β, strength of the pull to the reference; of several the first epoch has the first,
///     and so on, all later ones the last; > 0
/// @param alpha α, weight of the log-probability of what the reference wrote; likewise; ≥ 0
/// @param lossType which preference loss
/// @param maxLength most tokens of prompt and completion: longer prompts are left out
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record XpoLossConfig(
        List<@InRange(min = 0, minOpen = true) Double> beta,
        List<@InRange(min = 0) Double> alpha,
        OnlineLossType lossType,
        @InRange(min = 1) OptionalInt maxLength,
        boolean disableDropout)
        implements XpoLossConfigCopies, CrossChecked {
    public XpoLossConfig {
        beta = List.copyOf(beta);
        alpha = List.copyOf(alpha);
    }

    /// The defaults, as listed at the parameters.
    public static XpoLossConfig defaults() {
        return XpoLossConfigCopies.blank()
                .withBeta(List.of(0.1))
                .withAlpha(List.of(1e-5))
                .withLossType(OnlineLossType.SIGMOID)
                .withMaxLength(512)
                .withDisableDropout(true);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EpochValues.needed("beta", beta, "a number > 0"));
        problems.addAll(EpochValues.needed("alpha", alpha, "a number >= 0"));
        return problems;
    }
}
