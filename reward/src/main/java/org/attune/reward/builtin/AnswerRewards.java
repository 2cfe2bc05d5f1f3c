package org.attune.reward.builtin;

import org.attune.reward.PerCompletion;
import org.attune.reward.PerCompletion.Row;
import org.attune.reward.RewardFunction;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/// Rewards that compare a completion with the right answer in a column. Where the column holds no
/// usable answer they don't apply.
final class AnswerRewards {
    private static final OptionalDouble NONE = OptionalDouble.empty();
    private static final OptionalDouble ZERO = OptionalDouble.of(0);
    private static final OptionalDouble ONE = OptionalDouble.of(1);

    private AnswerRewards() {}

    /// 1 if the text equals the answer, else 0. Parameters: `column` (answer), `strip` (true),
    /// `ignore_case` (false), `extract`: a pattern whose first group, in its last match, is what
    /// the completion answers; without a match the reward is 0.
    static RewardFunction exact(String name, Parameters parameters) {
        String column = parameters.text("column", "answer");
        boolean strip = parameters.flag("strip", true);
        boolean ignoreCase = parameters.flag("ignore_case", false);
        Optional<Pattern> extract = extraction(parameters);
        parameters.check();
        Function<String, String> normal =
                text -> {
                    String stripped = strip ? text.strip() : text;
                    return ignoreCase ? stripped.toLowerCase(Locale.ROOT) : stripped;
                };
        return against(
                name,
                column,
                (text, gold) ->
                        extracted(extract, text)
                                        .filter(
                                                found ->
                                                        normal.apply(found)
                                                                .equals(normal.apply(gold)))
                                        .isPresent()
                                ? ONE
                                : ZERO);
    }

    /// 1 if the last number of the completion equals the last number of the answer, else 0.
    /// Parameters: `column` (answer), `tolerance` (0; absolute), `relative_tolerance` (0),
    /// `extract` as for `exact_answer`.
    static RewardFunction numeric(String name, Parameters parameters) {
        String column = parameters.text("column", "answer");
        double tolerance = parameters.number("tolerance", 0);
        double relative = parameters.number("relative_tolerance", 0);
        Optional<Pattern> extract = extraction(parameters);
        if (tolerance < 0 || relative < 0) {
            parameters.problem("tolerances must not be negative");
        }
        parameters.check();
        return against(
                name,
                column,
                (text, gold) -> {
                    Optional<BigDecimal> right = NumberText.last(gold).flatMap(NumberText::value);
                    if (right.isEmpty()) {
                        return NONE;
                    }
                    return extracted(extract, text)
                                    .flatMap(NumberText::last)
                                    .flatMap(NumberText::value)
                                    .filter(value -> near(value, right.get(), tolerance, relative))
                                    .isPresent()
                            ? ONE
                            : ZERO;
                });
    }

    private static boolean near(BigDecimal a, BigDecimal b, double tolerance, double relative) {
        BigDecimal allowed =
                BigDecimal.valueOf(relative)
                        .multiply(b.abs(), MathContext.DECIMAL64)
                        .max(BigDecimal.valueOf(tolerance));
        return a.subtract(b).abs().compareTo(allowed) <= 0;
    }

    /// GSM8K: 1 if the completion's answer equals the one in the column, by value; else 0, or
    /// `format_reward` if it gives an answer in the right form. Parameters: `column` (answer; a
    /// whole solution with `#### 72`, or only the number), `method`: `strict` (behind `####`) or
    /// `flexible` (the last number), `format_reward` (0).
    static RewardFunction gsm8k(String name, Parameters parameters) {
        String column = parameters.text("column", "answer");
        boolean strict = parameters.choice("method", "strict", "flexible").equals("strict");
        double format = parameters.number("format_reward", 0);
        parameters.check();
        return against(
                name,
                column,
                (text, gold) -> {
                    Optional<BigDecimal> right =
                            NumberText.gsm8kAnswer(gold)
                                    .or(() -> NumberText.last(gold))
                                    .flatMap(NumberText::value);
                    if (right.isEmpty()) {
                        return NONE;
                    }
                    Optional<BigDecimal> answer =
                            (strict ? NumberText.gsm8kAnswer(text) : NumberText.last(text))
                                    .flatMap(NumberText::value);
                    return answer.map(
                                    value ->
                                            OptionalDouble.of(
                                                    value.compareTo(right.get()) == 0 ? 1 : format))
                            .orElse(ZERO);
                });
    }

    /// 1 if what the completion [answers][AnswerPlaces] means what the column means, else 0; not
    /// applied where the column is empty. More is accepted than by `accuracy_reward`: answers
    /// without a box, words, and numbers with or without units. Parameter: `column` (answer).
    static RewardFunction math(String name, Parameters parameters) {
        String column = parameters.text("column", "answer");
        parameters.check();
        return against(
                name,
                column,
                (text, gold) ->
                        AnswerPlaces.right(gold)
                                .map(FreeAnswer::of)
                                .map(
                                        right ->
                                                AnswerPlaces.answer(text)
                                                                .map(FreeAnswer::of)
                                                                .filter(right::matches)
                                                                .isPresent()
                                                        ? ONE
                                                        : ZERO)
                                .orElse(NONE));
    }

    /// TRL's `accuracy_reward`: 1 if the completion's `\boxed{…}`, or the formula behind the word
    /// "answer", means what the column means, else 0; not applied where the column holds no
    /// [answer][MathAnswer]. Parameter: `column` (solution).
    static RewardFunction accuracy(String name, Parameters parameters) {
        String column = parameters.text("column", "solution");
        parameters.check();
        return against(name, column, AnswerRewards::boxed);
    }

    /// TRL's `reasoning_accuracy_reward`: as `accuracy_reward` on what follows the last reasoning
    /// delimiter; 0 where there is none. Parameters: `column` (solution), `reasoning_delimiters`
    /// (`["</think>"]`; the first that occurs counts).
    static RewardFunction reasoningAccuracy(String name, Parameters parameters) {
        String column = parameters.text("column", "solution");
        List<String> delimiters = parameters.texts("reasoning_delimiters", List.of("</think>"));
        parameters.check();
        return against(
                name,
                column,
                (text, gold) -> {
                    for (String delimiter : delimiters) {
                        int end = text.lastIndexOf(delimiter);
                        if (end >= 0) {
                            return boxed(text.substring(end + delimiter.length()), gold);
                        }
                    }
                    return ZERO;
                });
    }

    /// TRL's `get_cosine_scaled_reward` ([Yeo et al. 2025](https://arxiv.org/abs/2502.03373)):
    /// a right answer is worth more the shorter it is, a wrong one less.
    /// ```
    /// end + (start - end) (1 + cos(π min(tokens, max_len) / max_len)) / 2
    /// ```
    /// from `max_value_correct` (1) to `min_value_correct` (0.5), or from `min_value_wrong` (-1) to
    /// `max_value_wrong` (-0.5). Further parameters: `max_len` (1000), `column` (solution).
    static RewardFunction cosineScaled(String name, Parameters parameters) {
        String column = parameters.text("column", "solution");
        double maxLength = parameters.integer("max_len", 1000, 1);
        double minWrong = parameters.number("min_value_wrong", -1);
        double maxWrong = parameters.number("max_value_wrong", -0.5);
        double minCorrect = parameters.number("min_value_correct", 0.5);
        double maxCorrect = parameters.number("max_value_correct", 1);
        parameters.check();
        return new PerCompletion(
                name,
                Set.of(column),
                row -> {
                    OptionalDouble correct =
                            gold(row, column).map(gold -> boxed(row.text(), gold)).orElse(NONE);
                    if (correct.isEmpty()) {
                        return NONE;
                    }
                    boolean right = correct.getAsDouble() > 0;
                    double start = right ? maxCorrect : minWrong;
                    double end = right ? minCorrect : maxWrong;
                    double progress =
                            Math.min(row.completion().tokens().length, maxLength) / maxLength;
                    double cosine = Math.cos(progress * Math.PI);
                    return OptionalDouble.of(end + (start - end) * (1 + cosine) / 2);
                });
    }

    private static OptionalDouble boxed(String text, String gold) {
        return MathAnswer.gold(gold)
                .map(
                        right ->
                                MathAnswer.answer(text).filter(right::matches).isPresent()
                                        ? ONE
                                        : ZERO)
                .orElse(NONE);
    }

    private interface Comparison {
        OptionalDouble compare(String text, String gold);
    }

    private static RewardFunction against(String name, String column, Comparison comparison) {
        return new PerCompletion(
                name,
                Set.of(column),
                row ->
                        gold(row, column)
                                .map(gold -> comparison.compare(row.text(), gold))
                                .orElse(NONE));
    }

    private static Optional<String> gold(Row row, String column) {
        if (!row.columns().containsKey(column)) {
            throw new IllegalArgumentException(
                    "the data have no column \"%s\"; they have %s. Set \"column\" to the one with the answers."
                            .formatted(column, row.columns().keySet()));
        }
        return Optional.ofNullable(row.column(column)).map(Object::toString);
    }

    private static Optional<Pattern> extraction(Parameters parameters) {
        String pattern = parameters.text("extract", "");
        if (pattern.isEmpty()) {
            return Optional.empty();
        }
        Optional<Pattern> compiled = PatternReward.compile("extract", pattern, 0, parameters);
        if (compiled.isPresent() && compiled.get().matcher("").groupCount() < 1) {
            parameters.problem("extract needs a group in parentheses, got " + pattern);
        }
        return compiled;
    }

    private static Optional<String> extracted(Optional<Pattern> extract, String text) {
        if (extract.isEmpty()) {
            return Optional.of(text);
        }
        return PatternReward.bounded(
                        "extract",
                        extract.get(),
                        text,
                        matcher -> matcher.results().reduce((_, m) -> m))
                .map(last -> last.group(1));
    }
}
