package org.attune.trainers.samples;

/// How a completion and its prompt become a row.
public enum RowForm {
    /// `prompt` and `completion`.
    PROMPT_COMPLETION,
    /// `messages`, the completion being the last one.
    MESSAGES
}
