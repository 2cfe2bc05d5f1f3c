package org.attune.trainers.online;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// The objective of Nash-MD.
///
/// @param beta β, strength of the pull to the reference; of several the first epoch has the first,
///     and so on, all later ones the last; > 0
/// @param mixtureCoef share of the reference in the opponent; likewise; in [0, 1], 0: the policy
///     itself, 1: the reference
/// @param maxLength most tokens of prompt and completion: longer prompts are left out
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record NashMdLossConfig(
        List<@InRange(min = 0, minOpen = true) Double> beta,
        List<@InRange(min = 0, max = 1) Double> mixtureCoef,
        @InRange(min = 1) OptionalInt maxLength,
        boolean disableDropout)
        implements NashMdLossConfigCopies, CrossChecked {
    public NashMdLossConfig {
        beta = List.copyOf(beta);
        mixtureCoef = List.copyOf(mixtureCoef);
    }

    /// The defaults, as listed at the parameters.
    public static NashMdLossConfig defaults() {
        return NashMdLossConfigCopies.blank()
                .withBeta(List.of(0.1))
                .withMixtureCoef(List.of(0.5))
                .withMaxLength(512)
                .withDisableDropout(true);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EpochValues.needed("beta", beta, "a number > 0"));
        problems.addAll(EpochValues.needed("mixture_coef", mixtureCoef, "a number in [0, 1]"));
        return problems;
    }
}
