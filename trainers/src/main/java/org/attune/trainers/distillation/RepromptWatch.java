package org.attune.trainers.distillation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.Map;

/// Warns where rounds teach nothing: once when that begins, and again every few rounds.
final class RepromptWatch {
    private static final Logger LOG = LoggerFactory.getLogger(RepromptWatch.class);

    private final RepromptConfig config;
    private final Map<String, Integer> rounds = new LinkedHashMap<>(); // in a row, of each warning

    RepromptWatch(RepromptConfig config) {
        this.config = config;
    }

    /// Looks at a round of training.
    ///
    /// @param metrics of [Reprompts]
    void look(Map<String, Double> metrics) {
        double none = config.diagnosticsFlatTolerance();
        warn(
                metrics.get(Reprompts.key("reward_std")) <= none
                        && metrics.get(Reprompts.key("flat_group_fraction")) >= 1 - none,
                "all completions have equal rewards; see whether the rewards tell completions"
                        + " apart, and whether success_reward_threshold fits them");
        warn(
                metrics.get(Reprompts.key("reprompt_sample_fraction")) <= none,
                "the teacher is told nothing, so nothing is distilled: no reward reached"
                        + " success_reward_threshold, and there was no feedback to include");
    }

    private void warn(boolean is, String what) {
        int row = is ? rounds.merge(what, 1, Integer::sum) : 0;
        if (!is) {
            rounds.remove(what);
        }
        int interval = config.diagnosticsWarningInterval();
        if (is && interval > 0 && (row == 1 || row % interval == 0)) {
            LOG.warn("{} ({} rounds in a row)", what, row);
        }
    }
}
