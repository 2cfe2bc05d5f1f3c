package org.attune.trainers.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;

/// Watches for a run that goes on and learns nothing: its metrics look calm, and its end like that
/// of any other run.
final class StillSteps {
    private static final Logger LOG = LoggerFactory.getLogger(StillSteps.class);

    /// Number of steps in a row from which on it is told.
    static final int MANY = 10;

    private int equal;
    private boolean isEqual; // in the newest round
    private int still;
    private boolean isStill; // at the last step whose gradient was looked at
    private boolean looked;
    private boolean moved;

    /// Looks at a step that was made.
    ///
    /// @param gradientNorm asked for only where the loss is 0, or the step is logged: on a GPU one
    ///     waits for it
    /// @return what is to be told now
    List<String> made(StepReport report, boolean isLogged, DoubleSupplier gradientNorm) {
        List<String> told = new ArrayList<>();
        double[] shares = // none where a step learns from a round that another one began
                report.microBatches().stream()
                        .filter(m -> m.containsKey(MetricKeys.ZERO_STD))
                        .mapToDouble(m -> m.get(MetricKeys.ZERO_STD))
                        .toArray();
        if (shares.length > 0) {
            isEqual = Arrays.stream(shares).allMatch(share -> share == 1);
        }
        equal = isEqual ? equal + 1 : 0;
        if (equal == MANY) {
            told.add(
                    ("in %d steps in a row all completions of each prompt had the same reward"
                         + " (frac_reward_zero_std is 1), so there was nothing to prefer. Look at"
                         + " the completions (log_completions: true): the rewards must tell good"
                         + " from bad among them, temperature and num_generations must let them"
                         + " differ, and the prompts be neither too hard nor too easy")
                            .formatted(MANY));
        }
        if (report.loss() == 0 || isLogged) {
            isStill = gradientNorm.getAsDouble() == 0;
            looked = true;
            moved |= !isStill;
        }
        still = isStill ? still + 1 : 0;
        if (still == MANY && equal < MANY) {
            told.add(
                    ("%d steps in a row had no gradient (grad_norm is 0): the weights stay as they"
                                    + " are. Look at the loss and at what is masked or frozen")
                            .formatted(MANY));
        }
        return told;
    }

    /// Logs what is to be told of a step.
    void tell(StepReport report, boolean isLogged, DoubleSupplier gradientNorm) {
        made(report, isLogged, gradientNorm).forEach(LOG::warn);
    }

    /// Whether no step had a gradient.
    boolean isWithoutGradient() {
        return looked && !moved;
    }

    /// Says so at the end of a run that learnt nothing.
    ///
    /// @param steps that were made
    void tellAtTheEnd(int steps) {
        if (isWithoutGradient()) {
            LOG.warn(
                    "nothing was learnt: none of the {} steps had a gradient (grad_norm is 0), and"
                            + " the result is what the run began with",
                    steps);
        }
    }
}
