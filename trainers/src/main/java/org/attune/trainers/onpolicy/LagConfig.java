package org.attune.trainers.onpolicy;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;

/// Whether completions are written ahead of the steps that learn from them.
///
/// @param rolloutLag rounds by which the weights that write are older than need be: round r is
///     written with the weights after round r − 1 − lag; 0: with those that learn from it. It
///     changes what is learned
/// @param rolloutRanks the last so many processes of the job only write completions and judge
///     them, while the others train; 0: all processes do both. It changes no number
@CopyMethods
public record LagConfig(@InRange(min = 0) int rolloutLag, @InRange(min = 0) int rolloutRanks)
        implements LagConfigCopies {
    /// The defaults, as listed at the parameters.
    public static LagConfig defaults() {
        return LagConfigCopies.blank();
    }

    /// Whether rounds are written ahead.
    public boolean isOn() {
        return rolloutLag > 0;
    }

    /// What doesn't fit of a run's settings.
    public List<ConfigProblem> problems(GeneratingRun run) {
        List<ConfigProblem> problems = new ArrayList<>();
        if (rolloutRanks > 0 && !isOn()) {
            problems.add(
                    new ConfigProblem(
                            "rollout_lag",
                            rolloutLag,
                            "at least 1 with rollout_ranks: without a lag the ranks that write"
                                    + " and those that train would wait for each other in turn"));
        }
        if (!isOn()) {
            return problems;
        }
        if (run.rollouts().asksServers()) {
            problems.add(
                    problem("rollout_server_base_url, whose servers write beside ranks already"));
        }
        if (run.rollouts().recordedRollouts().isPresent()) {
            problems.add(problem("recorded_rollouts, which nobody has to write"));
        }
        return problems;
    }

    /// A setting with which there is no lag.
    ///
    /// @param with it, and why
    public ConfigProblem problem(String with) {
        return new ConfigProblem("rollout_lag", rolloutLag, "0 with " + with);
    }
}
