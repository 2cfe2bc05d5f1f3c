package org.attune.adapter.formula;

import org.attune.error.ConfigException;

import java.util.OptionalInt;

/// How training of AdaLoRA spends ranks, [Zhang et al. 2023, Eq. 8 and
/// 12](https://arxiv.org/abs/2303.10512): all of them at first, then fewer and fewer, then the
/// target. What counts as a step and when ranks are cut is PEFT's rule.
///
/// @param start `init_r`: ranks of each module at first
/// @param target `target_r`: ranks of a module at the end, on average
/// @param steps `total_step`: steps of the training
/// @param first `tinit`: steps before ranks are cut
/// @param last `tfinal`: steps after the last cut
/// @param every `deltaT`: steps between two cuts
/// @param sensitivity `beta1`: share of the past in the mean of sensitivities
/// @param uncertainty `beta2`: share of the past in the mean of their deviations
/// @param orthogonality `orth_reg_weight`: factor of the regulariser
public record RankSchedule(
        int start,
        int target,
        int steps,
        int first,
        int last,
        int every,
        double sensitivity,
        double uncertainty,
        double orthogonality) {
    /// @throws ConfigException if a value is outside its range
    public RankSchedule {
        require(target <= start, "target_r", target, "at most init_r, " + start);
        require(first >= 0, "tinit", first, "0 or more");
        require(last >= 0, "tfinal", last, "0 or more");
        require(first < (long) steps - last, "total_step", steps, "more than tinit + tfinal");
        require(sensitivity > 0 && sensitivity < 1, "beta1", sensitivity, "(0, 1)");
        require(uncertainty > 0 && uncertainty < 1, "beta2", uncertainty, "(0, 1)");
        require(orthogonality >= 0, "orth_reg_weight", orthogonality, "0 or more");
    }

    static RankSchedule of(FormulaOptions o) {
        return new RankSchedule(
                o.count("init_r"),
                o.count("target_r"),
                o.count("total_step"),
                o.integer("tinit"),
                o.integer("tfinal"),
                o.count("deltaT"),
                o.number("beta1"),
                o.number("beta2"),
                o.number("orth_reg_weight"));
    }

    private static void require(boolean holds, String key, Number value, String accepted) {
        if (!holds) {
            throw new ConfigException(key + " is " + value + "; accepted: " + accepted);
        }
    }

    /// Whether ranks are still chosen after a step: later on the last choice stays.
    ///
    /// @param step from 0
    public boolean chooses(int step) {
        return step <= steps - last;
    }

    /// Whether the importance of ranks is measured in a step.
    public boolean measures(int step) {
        return step < steps - last;
    }

    /// How many ranks all modules together keep after a step.
    ///
    /// @param modules how many there are
    /// @return empty if nothing is cut then
    public OptionalInt budget(int step, int modules) {
        boolean cuts = step > first && (step % every == 0 || step == steps - last);
        if (!chooses(step) || !cuts || target == start) {
            return OptionalInt.empty();
        }
        double left = 1 - (double) (step - first) / (steps - last - first);
        int most = start * modules;
        int least = target * modules;
        return OptionalInt.of((int) ((most - least) * Math.pow(left, 3) + least));
    }
}
