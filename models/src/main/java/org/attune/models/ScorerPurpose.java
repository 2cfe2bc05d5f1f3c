package org.attune.models;

import org.attune.model.config.ScoreKind;

/// Purposes of a model with a score head.
public enum ScorerPurpose {
    /// Whole answers: TRL's reward models.
    REWARD(ScoreKind.SEQUENCE, 1, "a reward model"),
    /// Steps, wrong (0) or right (1): TRL's process reward models.
    PROCESS_REWARD(ScoreKind.TOKEN, 2, "a process reward model");

    private final ScoreKind kind;
    private final int labels;
    private final String words;

    ScorerPurpose(ScoreKind kind, int labels, String words) {
        this.kind = kind;
        this.labels = labels;
        this.words = words;
    }

    public boolean fits(ScoreKind other, int otherLabels) {
        return other == kind && otherLabels == labels;
    }

    public ScoreKind kind() {
        return kind;
    }

    int labels() {
        return labels;
    }

    /// The purpose with its article, for messages.
    public String words() {
        return words;
    }

    /// `a reward model is a sequence-classification model with 1 label`.
    public String wanted() {
        return words + " is a " + described(kind, labels);
    }

    public static String described(ScoreKind kind, int labels) {
        String model =
                switch (kind) {
                    case SEQUENCE -> "sequence-classification model";
                    case TOKEN -> "token-classification model";
                };
        return "%s with %d label%s".formatted(model, labels, labels == 1 ? "" : "s");
    }
}
