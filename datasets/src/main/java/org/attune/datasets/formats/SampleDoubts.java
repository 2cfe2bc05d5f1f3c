package org.attune.datasets.formats;

import java.util.Optional;

/// Rows that can be trained on but look like a mistake.
public final class SampleDoubts {
    private SampleDoubts() {}

    /// What is doubtful about a sample, if anything.
    public static Optional<String> about(Sample sample) {
        return switch (sample) {
            case Sample.Preference pair when isEmpty(pair.chosen()) ->
                    Optional.of(
                            "column chosen is empty; training would prefer to say nothing, leave"
                                    + " the row out if that isn't meant");
            case Sample.Triple row when isEmpty(row.reference()) ->
                    Optional.of(
                            "column reference is empty; training would imitate saying nothing,"
                                    + " leave the row out if that isn't meant");
            case Sample.Triple row -> about(row.pair());
            case Sample.PromptCompletion row when isEmpty(row.completion()) ->
                    Optional.of(
                            "column completion is empty; only the end of the text would be learnt");
            case Sample.LanguageModeling row when isEmpty(row.content()) ->
                    Optional.of("column text is empty; only the end of the text would be learnt");
            case Sample.Preference _,
                    Sample.PromptCompletion _,
                    Sample.LanguageModeling _,
                    Sample.UnpairedPreference _,
                    Sample.Stepwise _,
                    Sample.Labelled _,
                    Sample.PromptOnly _ ->
                    Optional.empty();
        };
    }

    private static boolean isEmpty(Content content) {
        return content instanceof Content.Text(String text) && text.isEmpty();
    }
}
