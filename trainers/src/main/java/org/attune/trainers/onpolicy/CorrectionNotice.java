package org.attune.trainers.onpolicy;

import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/// Says what a run does about the distance between the weights that wrote completions and those
/// that learn from them: at the start, and again where a round shows something else. In the log,
/// and to those who keep facts of the run.
public final class CorrectionNotice {
    /// The fact's name.
    static final String FACT = "off_policy_correction";

    private static final String MASK_FACT = "truncation_correction";

    private static final Logger LOG = LoggerFactory.getLogger(CorrectionNotice.class);

    private final List<TrainingListener> listeners;
    private final String writers;
    private String told = "";

    /// @param listeners told of facts
    public CorrectionNotice(GeneratingRun config, List<TrainingListener> listeners) {
        this.listeners = List.copyOf(listeners);
        writers = writers(config.rollouts());
    }

    /// Who writes the completions of a run.
    private static String writers(RolloutSourceConfig from) {
        if (from.recordedRollouts().isPresent()) {
            return "the file " + from.recordedRollouts().get();
        }
        if (from.asksServers()) {
            return from.rolloutServerAdapterDir().isPresent()
                    ? "servers that have the policy's adapter"
                    : "servers that have weights of their choice";
        }
        return "this run's own models";
    }

    /// Says of which distributions log-probabilities are where sampling leaves tokens out.
    ///
    /// @param truncation what leaves them out, in the words of the keys; empty: nothing does
    /// @param keeps whether log-probabilities are of the tokens that were left
    public void tellMask(String truncation, boolean keeps) {
        if (truncation.isEmpty()) {
            return;
        }
        String of =
                keeps
                        ? "the tokens that were left, by keep_sampling_mask"
                        : "all tokens; keep_sampling_mask: true takes those of the tokens that were"
                                + " left";
        LOG.info("{} leaves tokens out; log-probabilities in the loss are of {}", truncation, of);
        String fact = keeps ? "log-probabilities of the tokens that were left" : "none";
        listeners.forEach(listener -> listener.onFact(MASK_FACT, fact));
    }

    /// What the run does. Said where it is something else than before.
    ///
    /// @param correction in words
    public void tell(String correction) {
        if (correction.equals(told)) {
            return;
        }
        told = correction;
        LOG.info("completions come from {}; off-policy correction: {}", writers, correction);
        listeners.forEach(listener -> listener.onFact(FACT, correction));
    }
}
