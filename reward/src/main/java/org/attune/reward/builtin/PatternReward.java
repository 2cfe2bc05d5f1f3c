package org.attune.reward.builtin;

import org.attune.reward.PerCompletion;
import org.attune.reward.RewardFunction;
import org.attune.text.BoundedMatch;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Rewards for the form of a text: patterns and tags.
final class PatternReward {
    // As in TRL: nothing before the tags, no second opening tag anywhere, something may follow.
    private static final Pattern THINK =
            Pattern.compile(
                    "^<think>(?!.*<think>)(.*?)</think>.*$", Pattern.DOTALL | Pattern.MULTILINE);

    /// Looks at a character after which a match is given up: a hundredth of a second, and more for
    /// long completions.
    private static final long STEPS = 1_000_000;

    private static final long STEPS_A_CHARACTER = 1000;

    private PatternReward() {}

    /// `reward` (1) where the pattern matches, else `penalty` (0). Parameters: `pattern`
    /// (required; Java's `java.util.regex`), `match`: `search` (anywhere) or `full` (the whole
    /// text), `ignore_case`, `multiline`, `dotall` (all false).
    static RewardFunction regex(String name, Parameters parameters) {
        String pattern = parameters.requiredText("pattern");
        boolean full = parameters.choice("match", "search", "full").equals("full");
        int flags = Pattern.UNICODE_CHARACTER_CLASS;
        flags |=
                parameters.flag("ignore_case", false)
                        ? Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE
                        : 0;
        flags |= parameters.flag("multiline", false) ? Pattern.MULTILINE : 0;
        flags |= parameters.flag("dotall", false) ? Pattern.DOTALL : 0;
        double reward = parameters.number("reward", 1);
        double penalty = parameters.number("penalty", 0);
        Optional<Pattern> compiled = compile("pattern", pattern, flags, parameters);
        parameters.check();
        return new PerCompletion(
                name,
                row -> {
                    Function<Matcher, Boolean> use = full ? Matcher::matches : Matcher::find;
                    return bounded("pattern", compiled.get(), row.text(), use) ? reward : penalty;
                });
    }

    /// TRL's `think_format_reward`: 1 if the text begins with `<think>`, has it once, and
    /// `</think>` follows; else 0.
    static RewardFunction thinkFormat(String name, Parameters parameters) {
        parameters.check();
        // lookingAt, not find: in TRL the pattern is tried at the beginning only
        return new PerCompletion(name, row -> THINK.matcher(row.text()).lookingAt() ? 1 : 0);
    }

    /// Share of tags that occur exactly once. Parameter: `tags` (`[think, answer]`), each counted
    /// as `<tag>` and `</tag>`.
    static RewardFunction tagCount(String name, Parameters parameters) {
        List<String> tags = parameters.texts("tags", List.of("think", "answer"));
        if (tags.isEmpty()) {
            parameters.problem("tags must not be empty");
        }
        parameters.check();
        List<String> marks =
                tags.stream()
                        .<String>mapMulti(
                                (tag, sink) -> {
                                    sink.accept("<" + tag + ">");
                                    sink.accept("</" + tag + ">");
                                })
                        .toList();
        return new PerCompletion(
                name,
                row ->
                        (double) marks.stream().filter(mark -> once(row.text(), mark)).count()
                                / marks.size());
    }

    private static boolean once(String text, String mark) {
        int first = text.indexOf(mark);
        return first >= 0 && text.indexOf(mark, first + mark.length()) < 0;
    }

    /// What `use` gives for a matcher of a completion.
    ///
    /// @param key of the pattern, for the message
    /// @throws IllegalStateException if the pattern goes back and forth without end
    static <T> T bounded(String key, Pattern pattern, String text, Function<Matcher, T> use) {
        try {
            return BoundedMatch.apply(
                    pattern, text, STEPS + STEPS_A_CHARACTER * text.length(), use);
        } catch (BoundedMatch.TooManyStepsException e) {
            throw new IllegalStateException(key + ": " + e.getMessage(), e);
        }
    }

    /// The pattern, or a problem noted.
    static Optional<Pattern> compile(String key, String pattern, int flags, Parameters parameters) {
        try {
            return Optional.of(BoundedMatch.compile(pattern, flags));
        } catch (PatternSyntaxException e) {
            parameters.problem(
                    "%s is no regular expression: %s near position %d of %s"
                            .formatted(key, e.getDescription(), e.getIndex(), pattern));
            return Optional.empty();
        }
    }
}
