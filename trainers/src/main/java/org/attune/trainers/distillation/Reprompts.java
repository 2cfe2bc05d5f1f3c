package org.attune.trainers.distillation;

import static org.attune.trainers.distillation.RepromptConfig.ATTEMPT;
import static org.attune.trainers.distillation.RepromptConfig.RAW;

import org.attune.error.DatasetException;
import org.attune.reward.Advantages;
import org.attune.reward.RewardTable;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.prepare.PromptPreparation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Makes prompts for a model that teaches itself out of its attempts: each attempt of a round may
/// be read again behind the prompt, an attempt of the same prompt that succeeded, and feedback.
/// Those of which there is neither are compared with nothing.
///
/// @param config what the teacher is told
/// @param scale of advantages
/// @param prompts prepares them, of any length
record Reprompts(RepromptConfig config, Advantages.Scale scale, PromptPreparation prompts) {
    /// Column of a row's feedback, and of what rewards may say of each completion.
    static final String FEEDBACK = TaughtPrompts.COLUMN;

    private static final Pattern THINKING = Pattern.compile("(?s)<think>.*?</think>");

    /// What becomes of a round. `N` completions.
    ///
    /// @param read ids of the prompt behind which the teacher reads each, `(N)`; empty: it has
    ///     nothing to say
    /// @param advantages `(N)`
    /// @param metrics TRL's
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Round(List<Optional<int[]>> read, Advantages advantages, Map<String, Double> metrics) {}

    /// @param made judged completions
    /// @param asked the prompt of each
    /// @param generations completions of a prompt
    Round of(JudgedCompletions made, List<PromptExample> asked, int generations) {
        RewardTable rewards = made.table().rewards();
        int n = rewards.size();
        boolean[] success = new boolean[n];
        for (int i = 0; i < n; i++) {
            success[i] = reward(rewards, i) >= config.successRewardThreshold();
        }
        List<Optional<String>> feedback = new ArrayList<>();
        List<Optional<int[]>> read = new ArrayList<>();
        int shown = 0;
        int told = 0;
        for (int i = 0; i < n; i++) {
            feedback.add(feedback(rewards, i, asked.get(i)));
            OptionalInt attempt = attempt(success, i, generations);
            boolean tells =
                    feedback.getLast().isPresent()
                            && config.includeEnvironmentFeedback()
                            && !(config.environmentFeedbackOnlyWithoutSolution()
                                    && attempt.isPresent());
            shown += attempt.isPresent() ? 1 : 0;
            told += tells ? 1 : 0;
            read.add(
                    attempt.isEmpty() && !tells
                            ? Optional.empty()
                            : Optional.of(
                                    read(
                                            asked.get(i),
                                            attempt.isPresent()
                                                    ? solution(made, attempt.getAsInt())
                                                    : "",
                                            tells ? said(feedback.getLast().orElseThrow()) : "")));
        }
        Map<String, Double> metrics = statistics(rewards, generations);
        metrics.put(key("success_group_fraction"), groups(success, generations));
        metrics.put(key("success_sample_fraction"), (double) shown / n);
        metrics.put(
                key("feedback_available_fraction"),
                (double) feedback.stream().filter(Optional::isPresent).count() / n);
        metrics.put(key("feedback_used_fraction"), (double) told / n);
        metrics.put(
                key("reprompt_sample_fraction"),
                (double) read.stream().filter(Optional::isPresent).count() / n);
        Advantages advantages =
                Advantages.grpo(
                        rewards, generations, scale, Advantages.Aggregation.SUM_THEN_NORMALIZE);
        return new Round(read, advantages, metrics);
    }

    static String key(String name) {
        return "self_distillation/" + name;
    }

    /// A completion that got no rewards has 0.
    private static double reward(RewardTable rewards, int i) {
        double total = rewards.total(i);
        return Double.isNaN(total) ? 0 : total;
    }

    /// The first attempt of the same prompt that succeeded.
    private OptionalInt attempt(boolean[] success, int i, int generations) {
        int first = i / generations * generations;
        return config.useSuccessfulAsTeacher()
                ? IntStream.range(first, first + generations)
                        .filter(j -> success[j] && !(config.dontRepromptOnSelfSuccess() && j == i))
                        .findFirst()
                : OptionalInt.empty();
    }

    private static double groups(boolean[] success, int generations) {
        int groups = success.length / generations;
        return IntStream.range(0, groups)
                        .filter(
                                g ->
                                        IntStream.range(g * generations, (g + 1) * generations)
                                                .anyMatch(i -> success[i]))
                        .count()
                / (double) groups;
    }

    /// What rewards say of a completion, or else its row.
    private static Optional<String> feedback(RewardTable rewards, int i, PromptExample asked) {
        List<Object> said = rewards.extras().get(FEEDBACK);
        Object told = said == null ? asked.columns().get(FEEDBACK) : said.get(i);
        return switch (told) {
            case null -> Optional.empty();
            case String text -> Optional.of(text).filter(t -> !t.isBlank());
            default ->
                    throw new DatasetException(
                            "%s: %s is %s; accepted: a text, which the teacher reads and the student doesn't"
                                    .formatted(asked.origin().where(), FEEDBACK, told));
        };
    }

    private String solution(JudgedCompletions made, int attempt) {
        String text = made.table().batch().completions().get(attempt).text();
        String shown =
                config.removeThinkingFromDemonstration()
                        ? THINKING.matcher(text).replaceAll("").strip()
                        : text;
        return new TextTemplate(config.solutionTemplate()).filled(Map.of(ATTEMPT, shown));
    }

    private String said(String feedback) {
        return new TextTemplate(config.feedbackTemplate()).filled(Map.of(RAW, feedback));
    }

    private int[] read(PromptExample asked, String solution, String feedback) {
        var template = new TextTemplate(config.repromptTemplate());
        int[] ids =
                prompts.reworded(
                                asked,
                                TextTemplate.reworded(
                                        asked,
                                        prompt ->
                                                template.filled(
                                                        Map.of(
                                                                "prompt", prompt,
                                                                "solution", solution,
                                                                "feedback", feedback))))
                        .ids();
        return Arrays.copyOfRange(
                ids, Math.max(0, ids.length - config.maxRepromptLen()), ids.length);
    }

    /// The most tokens of a prompt that the teacher may read, about.
    ///
    /// @param rows of the data
    /// @param completion most tokens of one
    int longest(List<PromptExample> rows, int completion) {
        int longest = 0;
        for (PromptExample row : RowStream.known(rows)) {
            String told = row.columns().get(FEEDBACK) instanceof String text ? text : "";
            longest = Math.max(longest, read(row, said(told), solutionFrame()).length);
        }
        return Math.min(longest + completion, config.maxRepromptLen());
    }

    private String solutionFrame() {
        return new TextTemplate(config.solutionTemplate()).filled(Map.of(ATTEMPT, ""));
    }

    /// The rewards as TRL tells of them, of all completions together.
    private Map<String, Double> statistics(RewardTable rewards, int generations) {
        double[] totals =
                IntStream.range(0, rewards.size()).mapToDouble(i -> reward(rewards, i)).toArray();
        double[] deviations = new double[totals.length / generations];
        for (int g = 0; g < deviations.length; g++) {
            deviations[g] =
                    deviation(Arrays.copyOfRange(totals, g * generations, (g + 1) * generations));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(key("reward_mean"), Arrays.stream(totals).average().orElse(0));
        metrics.put(key("reward_std"), deviation(totals));
        metrics.put(key("reward_min"), Arrays.stream(totals).min().orElse(0));
        metrics.put(key("reward_max"), Arrays.stream(totals).max().orElse(0));
        metrics.put(key("group_reward_std_mean"), Arrays.stream(deviations).average().orElse(0));
        metrics.put(
                key("flat_group_fraction"),
                Arrays.stream(deviations)
                                .filter(d -> d <= config.diagnosticsFlatTolerance())
                                .count()
                        / (double) deviations.length);
        for (int f = 0; f < rewards.names().size(); f++) {
            String name = key("rewards/" + rewards.names().get(f));
            Arrays.stream(rewards.column(f))
                    .filter(v -> !Double.isNaN(v))
                    .average()
                    .ifPresent(mean -> metrics.put(name, mean));
        }
        return metrics;
    }

    /// The unbiased standard deviation; 0 of fewer than two numbers.
    private static double deviation(double[] values) {
        double mean = Arrays.stream(values).average().orElse(0);
        double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
        return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
    }
}
