package org.attune.trainers.grpo;

import org.attune.trainers.onpolicy.CorrectionNotice;
import org.attune.trainers.onpolicy.RoundPlan;

/// What a run on groups does where other weights wrote completions than those that learn from them,
/// in words.
///
/// @param config of the run
/// @param loss of the run
/// @param notice told of it
record GroupCorrection(GroupRun config, GroupLoss loss, CorrectionNotice notice) {
    private static final String RATIO =
            "the loss's own ratio to the log-probabilities of the policy when a round begins";

    /// Says at the start what the settings ask for.
    void begin(RoundPlan plan) {
        notice.tellMask(config.sampling().truncation(), config.keepsSamplingMask());
        if (config.lag().isOn()) {
            notice.tell(
                    "the loss's own ratio to the log-probabilities of the weights that wrote,"
                            + " by "
                            + config.lag().words());
        } else if (config.rollouts().isElsewhere()) {
            notice.tell(weighted());
        } else {
            notice.tell(
                    plan.staysOnPolicy()
                            ? "none needed, since the weights that write a round are those that"
                                    + " learn from it"
                            : RATIO);
        }
    }

    /// Says what is done about a round of another sampler.
    ///
    /// @param tellsLogProbs whether it told its log-probabilities
    void ofRound(boolean tellsLogProbs) {
        boolean asked = loss.sampler().isPresent();
        notice.tell(
                asked && !tellsLogProbs
                        ? "none, since the sampler tells no log-probabilities"
                        : weighted());
    }

    private String weighted() {
        return loss.sampler().map(SamplerCorrection::words).orElse("none");
    }
}
