package org.attune.trainers.prepare;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.text.Message;

import java.util.List;

/// Prompts of plain text as messages of a user, and their completions as messages of an assistant.
/// A chat template then renders them.
public final class PlainPrompts {
    private PlainPrompts() {}

    /// How many samples have a prompt of plain text that could be a message.
    public static long count(List<Sample> samples) {
        return samples.stream().filter(sample -> prompt(sample) instanceof Content.Text).count();
    }

    private static Content prompt(Sample sample) {
        return switch (sample) {
            case Sample.PromptOnly row -> row.prompt();
            case Sample.PromptCompletion row -> row.prompt();
            case Sample.Preference row -> row.prompt();
            case Sample.Triple row -> row.pair().prompt();
            case Sample.UnpairedPreference row -> row.prompt();
            case Sample.Stepwise _, Sample.LanguageModeling _, Sample.Labelled _ ->
                    new Content.Turns(List.of());
        };
    }

    /// The sample with messages in place of texts. Rows without a prompt and steps stay texts.
    public static Sample asMessages(Sample sample) {
        return switch (sample) {
            case Sample.PromptOnly row ->
                    new Sample.PromptOnly(turn("user", row.prompt()), row.options(), row.row());
            case Sample.PromptCompletion row ->
                    new Sample.PromptCompletion(
                            turn("user", row.prompt()),
                            turn("assistant", row.completion()),
                            row.options(),
                            row.row());
            case Sample.Preference row -> asMessages(row);
            case Sample.Triple row ->
                    new Sample.Triple(asMessages(row.pair()), turn("assistant", row.reference()));
            case Sample.UnpairedPreference row ->
                    new Sample.UnpairedPreference(
                            turn("user", row.prompt()),
                            turn("assistant", row.completion()),
                            row.label(),
                            row.options(),
                            row.row());
            case Sample.Stepwise _, Sample.LanguageModeling _, Sample.Labelled _ -> sample;
        };
    }

    private static Sample.Preference asMessages(Sample.Preference row) {
        return new Sample.Preference(
                turn("user", row.prompt()),
                turn("assistant", row.chosen()),
                turn("assistant", row.rejected()),
                row.options(),
                row.row());
    }

    private static Content turn(String role, Content content) {
        return content instanceof Content.Text(String text)
                ? new Content.Turns(List.of(Message.of(role, text)))
                : content;
    }
}
