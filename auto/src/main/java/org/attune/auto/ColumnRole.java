package org.attune.auto;

import java.util.Locale;
import java.util.Optional;

/// What a column is for.
public enum ColumnRole {
    PROMPT,
    COMPLETION,
    /// A choice of a multiple-choice question, or a list of them.
    CHOICE,
    CHOSEN,
    REJECTED,
    /// Whether the completion is good.
    LABEL,
    /// How good the completion is; more is better.
    RATING,
    /// Place among the completions of a prompt; 1 is best.
    RANK,
    /// Which of two completions is better.
    WINNER,
    TEXT,
    MESSAGES,
    SYSTEM,
    /// What a prompt is about.
    CONTEXT,
    HISTORY,
    /// Who speaks, where each message is a row.
    ROLE,
    /// Which conversation a message belongs to.
    GROUP,
    /// Nothing that is trained.
    IGNORE;

    /// The role's word in options.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<ColumnRole> named(String key) {
        for (ColumnRole role : values()) {
            if (role.key().equals(key)) {
                return Optional.of(role);
            }
        }
        return Optional.empty();
    }
}
