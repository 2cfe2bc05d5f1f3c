package org.attune.trainers.preference;

import jakarta.validation.constraints.NotEmpty;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// The objective of direct preference optimisation.
///
/// @param lossType objectives; several are added
/// @param lossWeights one weight per objective; empty: 1 each
/// @param beta β, strength of the pull to the reference; > 0
/// @param labelSmoothing ε, probability that a label is flipped; of `exo_pair`, `robust`, `aot` and
///     `aot_unpaired`, or where there is none of these, of `sigmoid`; 0 with other losses only
/// @param disableDropout no dropout in policy and reference
@CopyMethods
public record DpoLossConfig(
        @NotEmpty(message = "at least one loss") List<DpoLossType> lossType,
        List<@InRange Double> lossWeights,
        @InRange(min = 0, minOpen = true) double beta,
        @InRange(min = 0, max = 0.5, maxOpen = true) double labelSmoothing,
        boolean disableDropout)
        implements DpoLossConfigCopies, CrossChecked {
    public DpoLossConfig {
        lossType = List.copyOf(lossType);
        lossWeights = List.copyOf(lossWeights);
    }

    /// The defaults, as listed at the parameters.
    public static DpoLossConfig defaults() {
        return DpoLossConfigCopies.blank()
                .withLossType(List.of(DpoLossType.SIGMOID))
                .withBeta(0.1)
                .withDisableDropout(true);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (!lossWeights.isEmpty() && lossWeights.size() != lossType.size()) {
            problems.add(
                    new ConfigProblem(
                            "loss_weights",
                            lossWeights,
                            "one weight for each of the " + lossType.size() + " in loss_type"));
        }
        if (lossType.contains(DpoLossType.EXO_PAIR) && !(labelSmoothing > 0)) {
            problems.add(
                    new ConfigProblem(
                            "label_smoothing",
                            labelSmoothing,
                            "a number in (0, 0.5), since loss_type has exo_pair"));
        }
        if (labelSmoothing > 0 && smoothed().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "label_smoothing",
                            labelSmoothing,
                            "0, since no loss_type given knows flipped labels; sigmoid, exo_pair,"
                                    + " robust, aot and aot_unpaired do"));
        }
        return problems;
    }

    /// The given losses that `label_smoothing` belongs to. Beside one that TRL smooths `sigmoid`
    /// stays as it is, as in TRL; elsewhere smoothing makes it conservative DPO.
    Set<DpoLossType> smoothed() {
        Set<DpoLossType> smoothed = EnumSet.noneOf(DpoLossType.class);
        smoothed.addAll(lossType);
        smoothed.removeIf(type -> !type.isSmoothed());
        if (smoothed.isEmpty() && lossType.contains(DpoLossType.SIGMOID)) {
            smoothed.add(DpoLossType.SIGMOID);
        }
        return smoothed;
    }
}
