package org.attune.models;

import org.attune.model.config.ScoreKind;

/// What a model with a score head is for.
///
/// @param kind what the head judges
/// @param labels how many scores it gives
/// @param words the purpose with its article, for messages
public record ScorerPurpose(ScoreKind kind, int labels, String words) {
    /// Whole answers: TRL's reward models.
    public static final ScorerPurpose REWARD =
            new ScorerPurpose(ScoreKind.SEQUENCE, 1, "a reward model");

    /// Steps, wrong (0) or right (1): TRL's process reward models.
    public static final ScorerPurpose PROCESS_REWARD =
            new ScorerPurpose(ScoreKind.TOKEN, 2, "a process reward model");

    public boolean fits(ScoreKind other, int otherLabels) {
        return other == kind && otherLabels == labels;
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
