package org.attune.trainers.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Rewards that judge otherwise than in the checkpoint of a resumed run, since their source, their
/// program or their question was changed. The run may go on, as when a reward that failed was
/// corrected. But nothing is compared across the change: held-out values of before training are
/// measured again, and the best evaluation is looked for anew.
///
/// @param names in metrics
record ChangedRewards(List<String> names) {
    private static final Logger LOG = LoggerFactory.getLogger(ChangedRewards.class);
    private static final Pattern REWARD = Pattern.compile("reward (.*) \\(hash\\)");

    /// @param saved the checkpoint's identity
    /// @param now the run's
    static ChangedRewards of(Map<String, String> saved, Map<String, String> now) {
        List<String> changed = new ArrayList<>();
        saved.forEach(
                (key, before) -> {
                    Matcher reward = REWARD.matcher(key);
                    if (reward.matches() && !before.equals(now.get(key))) {
                        changed.add(reward.group(1));
                    }
                });
        return new ChangedRewards(changed);
    }

    boolean isEmpty() {
        return names.isEmpty();
    }

    /// A run's identity with the checkpoint's rewards. A checkpoint made before rewards were told
    /// apart has none.
    static Map<String, String> accepted(Map<String, String> saved, Map<String, String> now) {
        Map<String, String> compared = new LinkedHashMap<>(now);
        compared.keySet().removeIf(key -> REWARD.matcher(key).matches());
        saved.forEach(
                (key, before) -> {
                    if (REWARD.matcher(key).matches()) {
                        compared.put(key, before);
                    }
                });
        return compared;
    }

    /// @param step at which the run goes on
    /// @param measured whether held-out values of before training are by the rewards of now
    void tell(int step, boolean measured, List<TrainingListener> listeners) {
        String changed = String.join(", ", names);
        LOG.warn(
                "rewards changed: {} judged otherwise up to step {}. Metrics of those steps are by"
                        + " the rewards as they were; {}",
                changed,
                step,
                measured
                        ? "the held-out values from before training were measured again by those"
                                + " of now"
                        : "nothing is held out, so nothing before and after is compared");
        listeners.forEach(l -> l.onFact("rewards_changed", changed + " at step " + step));
        listeners.forEach(TrainingListener::onMeasuredAgain);
    }
}
