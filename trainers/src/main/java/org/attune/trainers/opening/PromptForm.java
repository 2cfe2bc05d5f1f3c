package org.attune.trainers.opening;

import org.attune.datasets.formats.Sample;
import org.attune.error.ConfigException;
import org.attune.trainers.prepare.PlainPrompts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.function.UnaryOperator;

/// Prompts of plain text are used as they stand, as in TRL, unless asked for otherwise; with a chat
/// model that is seldom meant, so it is said.
final class PromptForm implements UnaryOperator<Sample> {
    private static final Logger LOG = LoggerFactory.getLogger(PromptForm.class);

    private final boolean applied;
    private final boolean chat;
    private long plain;

    /// @param applied `apply_chat_template`
    /// @param chat whether the model has a chat template
    PromptForm(boolean applied, boolean chat) {
        this.applied = applied;
        this.chat = chat;
    }

    @Override
    public Sample apply(Sample sample) {
        if (PlainPrompts.count(List.of(sample)) == 0) {
            return sample;
        }
        plain++;
        if (applied && !chat) {
            throw new ConfigException(
                    "apply_chat_template: the model has no chat template; give one with"
                            + " chat_template_path, or leave the key out");
        }
        return applied ? PlainPrompts.asMessages(sample) : sample;
    }

    /// Logs what was met and left as it is.
    void tell() {
        if (plain > 0 && chat && !applied) {
            LOG.info(
                    "{} prompts are plain text and are used as they stand, without the chat"
                            + " template that attune chat uses; apply_chat_template: true makes"
                            + " them a user's messages",
                    plain);
        }
    }
}
