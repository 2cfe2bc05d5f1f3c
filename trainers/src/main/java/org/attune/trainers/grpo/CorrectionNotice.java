package org.attune.trainers.grpo;

import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;

/// Says once what a run does about completions of another sampler than the policy: in the log, and
/// to those who keep facts of the run.
final class CorrectionNotice {
    /// The fact's name.
    static final String FACT = "off_policy_correction";

    private static final Logger LOG = LoggerFactory.getLogger(CorrectionNotice.class);

    private final List<TrainingListener> listeners;
    private String told = "";

    /// @param listeners told of facts
    CorrectionNotice(List<TrainingListener> listeners) {
        this.listeners = List.copyOf(listeners);
    }

    /// A round has completions of another sampler.
    ///
    /// @param tellsLogProbs whether it told their log-probabilities
    /// @param correction that the run applies; empty: none
    void tell(boolean tellsLogProbs, Optional<SamplerCorrection> correction) {
        String now =
                correction
                        .map(
                                c ->
                                        tellsLogProbs
                                                ? c.words()
                                                : "none, since the sampler tells no"
                                                        + " log-probabilities")
                        .orElse("none");
        if (now.equals(told)) {
            return;
        }
        told = now;
        LOG.info("completions come from another sampler; off-policy correction: {}", now);
        listeners.forEach(listener -> listener.onFact(FACT, now));
    }
}
