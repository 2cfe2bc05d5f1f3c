package org.attune.trainers.online;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;
import java.util.OptionalInt;

/// The objective of an online preference method.
///
/// @param beta β, strength of the pull to the reference; of several the first epoch has the first,
///     and so on, all later ones the last; > 0
/// @param lossType which objective
/// @param maxLength most tokens of prompt and completion: longer prompts are left out
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record OnlineLossConfig(
        List<@InRange(min = 0, minOpen = true) Double> beta,
        OnlineLossType lossType,
        @InRange(min = 1) OptionalInt maxLength,
        boolean disableDropout)
        implements OnlineLossConfigCopies, CrossChecked {
    public OnlineLossConfig {
        beta = List.copyOf(beta);
    }

    /// The defaults, as listed at the parameters.
    public static OnlineLossConfig defaults() {
        return OnlineLossConfigCopies.blank()
                .withBeta(List.of(0.1))
                .withLossType(OnlineLossType.SIGMOID)
                .withMaxLength(512)
                .withDisableDropout(true);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return EpochValues.needed("beta", beta, "a number > 0");
    }
}
