package org.attune.reward.judge;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a judge is asked: a text with places `{{name}}`. There are
/// - `{{prompt}}`: what the completion answers;
/// - `{{completion}}`: its text;
/// - `{{transcript}}`: all its turns, with calls of tools and their results;
/// - `{{completions}}`: in group mode, those of one prompt, numbered from 1;
/// - `{{low}}`, `{{high}}`: ends of the scale;
/// - `{{format}}`: how to write the score, at the end of the text if it has no such place;
/// - all others: columns of the data set.
///
/// @param text with its places
public record JudgePrompt(String text) {
    private static final Pattern PLACE = Pattern.compile("\\{\\{\\s*([A-Za-z_][\\w.-]*)\\s*\\}\\}");
    private static final Set<String> OWN =
            Set.of("prompt", "completion", "transcript", "completions", "low", "high", "format");

    /// Asks for the quality of one completion.
    public static final JudgePrompt SINGLE =
            new JudgePrompt(
                    """
                    Judge how well an assistant answers.

                    # What was asked
                    {{prompt}}

                    # What the assistant answers
                    {{transcript}}

                    # Your task
                    Ask yourself whether the answer is right, complete, clear, and does what was asked.
                    {{format}}
                    """);

    /// Asks for the quality of the completions of one prompt, beside each other.
    public static final JudgePrompt GROUP =
            new JudgePrompt(
                    """
                    Compare how well an assistant answers the same request several times.

                    # What was asked
                    {{prompt}}

                    # Answers
                    {{completions}}

                    # Your task
                    Ask yourself of each answer whether it is right, complete, clear, and does what was asked.
                    Give a better answer a higher score, and answers that are equally good the same.
                    {{format}}
                    """);

    /// A text, or the name of a file that holds it.
    ///
    /// @param given one line without places names a file
    /// @param directory of the run's file
    /// @throws ConfigException if there is no such file, or it can't be read
    public static JudgePrompt of(String given, Path directory) {
        if (given.contains("{{") || given.strip().contains("\n")) {
            return new JudgePrompt(given);
        }
        Path file = GivenPath.input(given.strip(), directory);
        if (!Files.exists(file)) {
            throw new ConfigException(
                    "prompt: %s is no file (looked at %s), and has no place such as {{completion}}; give a file, or a text with places"
                            .formatted(given, GivenPath.lookedAt(given.strip(), directory)));
        }
        try {
            return new JudgePrompt(GivenText.read(file));
        } catch (IOException e) {
            throw new ConfigException("prompt: %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    /// Checks that the judge is shown what it judges.
    ///
    /// @throws ConfigException naming the place that is missing, or that says nothing in this mode
    public void require(boolean group) {
        Set<String> places = places();
        if (group && !places.contains("completions")) {
            throw new ConfigException(
                    "prompt has no place {{completions}}, so the judge would not see what it"
                            + " compares; put it in");
        }
        for (String single : new String[] {"completion", "transcript"}) {
            if (group && places.contains(single)) {
                throw new ConfigException(
                        "prompt has the place {{%s}}, but mode: group shows all completions of a prompt; write {{completions}}"
                                .formatted(single));
            }
        }
        if (!group && !places.contains("completion") && !places.contains("transcript")) {
            throw new ConfigException(
                    "prompt has no place {{completion}} or {{transcript}}, so the judge would not"
                            + " see what it judges; put one in");
        }
        if (!group && places.contains("completions")) {
            throw new ConfigException(
                    "prompt has the place {{completions}}, which only mode: group fills; write"
                            + " {{completion}}, or set mode: group");
        }
    }

    private Set<String> places() {
        var places = new LinkedHashSet<String>();
        Matcher place = PLACE.matcher(text);
        while (place.find()) {
            places.add(place.group(1));
        }
        return places;
    }

    /// Columns of the data set that it shows.
    public Set<String> columns() {
        Set<String> columns = places();
        columns.removeAll(OWN);
        return columns;
    }

    /// The text with its places filled. What is filled in is not looked at again.
    ///
    /// @param values by name; those of all places but `format`, which may stand at the end
    public String filled(Map<String, String> values) {
        String whole = places().contains("format") ? text : text.stripTrailing() + "\n\n{{format}}";
        return PLACE.matcher(whole)
                .replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
    }
}
