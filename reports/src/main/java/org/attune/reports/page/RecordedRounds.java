package org.attune.reports.page;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.Excerpt;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.report.HeldOutRow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Completions that a run recorded: all of some logged steps.
///
/// @param rewards names of the reward functions, `(F)`
/// @param rounds those that were read, by step
/// @param recorded how many steps have completions
record RecordedRounds(List<String> rewards, List<Round> rounds, int recorded) {
    static final RecordedRounds NONE = new RecordedRounds(List.of(), List.of(), 0);

    /// Rounds that are read: more would make the page large and the end of a run slow.
    static final int MOST = 20;

    private static final int LONGEST = 1500;

    /// Characters of a text where one round is shown alone.
    private static final int WHOLE = 20_000;

    private static final Pattern NAME = Pattern.compile("completions_(\\d+)\\.parquet");

    /// The completions of a logged step.
    record Round(int step, List<Answer> answers) {}

    /// A completion.
    ///
    /// @param group number of its prompt in the round
    /// @param pictures names of the prompt's
    /// @param rewards of each function, `(F)`; NaN = none
    /// @param total their weighted sum, NaN if there is none
    record Answer(
            int group,
            String prompt,
            List<String> pictures,
            String text,
            List<Double> rewards,
            double total) {}

    /// Reads rounds at equal distances, the first and the last among them.
    ///
    /// @param config of the run, for the weights of rewards
    /// @param most rounds that are read
    static RecordedRounds in(Path run, List<String> rewards, Map<String, Object> config, int most)
            throws IOException {
        List<Path> files = files(run);
        if (files.isEmpty()) {
            return NONE;
        }
        List<Round> rounds = new ArrayList<>();
        int shown = Math.min(most, files.size());
        for (int i = 0; i < shown; i++) {
            int at = shown == 1 ? 0 : (int) ((long) i * (files.size() - 1) / (shown - 1));
            Path file = files.get(at);
            rounds.add(
                    new Round(
                            step(file),
                            answers(
                                    RowFiles.readAll(file),
                                    rewards,
                                    weights(config, rewards),
                                    LONGEST)));
        }
        return new RecordedRounds(rewards, rounds, files.size());
    }

    private static List<Path> files(Path run) throws IOException {
        Path folder = run.resolve(CompletionsFile.FOLDER);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(f -> NAME.matcher(f.getFileName().toString()).matches())
                    .sorted((a, b) -> Integer.compare(step(a), step(b)))
                    .toList();
        }
    }

    static List<Integer> steps(Path run) throws IOException {
        return files(run).stream().map(RecordedRounds::step).toList();
    }

    /// All that was recorded of a step, a map for each completion.
    static List<Map<String, Object>> round(ReportedRun run, int step) throws IOException {
        List<String> rewards = run.completions().rewards();
        List<Row> rows = rows(run.folder(), step);
        List<Answer> answers = answers(rows, rewards, weights(run.config(), rewards), WHOLE);
        List<Map<String, Object>> all = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("group", answers.get(i).group());
            fields.put("prompt", answers.get(i).prompt());
            fields.put("completion", answers.get(i).text());
            if (i == 0 || answers.get(i).group() != answers.get(i - 1).group()) {
                List<String> shown = addresses(run.folder(), answers.get(i).pictures());
                if (!shown.isEmpty()) {
                    fields.put("pictures", shown);
                }
            }
            double sum = answers.get(i).total();
            if (rewards.size() > 1) {
                fields.put("sum", Double.isFinite(sum) ? sum : null);
            }
            rows.get(i).columns().forEach(fields::putIfAbsent);
            fields.remove("step");
            all.add(fields);
        }
        return all;
    }

    /// The rows of a step as they were recorded.
    static List<Row> rows(Path run, int step) throws IOException {
        Path file =
                files(run).stream()
                        .filter(one -> step(one) == step)
                        .findFirst()
                        .orElseThrow(() -> new NoSuchFileException("completions of step " + step));
        return RowFiles.readAll(file);
    }

    /// Pictures as `data:` addresses; what isn't in the run's folder is left out.
    private static List<String> addresses(Path run, List<String> names) {
        return names.stream()
                .flatMap(name -> HeldOutRow.picture(run, name).stream())
                .map(Html::address)
                .toList();
    }

    private static int step(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? Integer.parseInt(name.group(1)) : -1;
    }

    private static double[] weights(Map<String, Object> config, List<String> rewards) {
        var weights = new double[rewards.size()];
        List<?> given = config.get("reward_weights") instanceof List<?> list ? list : List.of();
        for (int f = 0; f < weights.length; f++) {
            boolean known = given.size() == weights.length;
            weights[f] = known && given.get(f) instanceof Number n ? n.doubleValue() : 1;
        }
        return weights;
    }

    private static List<Answer> answers(
            List<Row> rows, List<String> rewards, double[] weights, int longest) {
        List<Answer> answers = new ArrayList<>();
        int group = -1;
        Object before = null;
        for (Row row : rows) {
            Object prompt = row.get("prompt");
            if (group < 0 || !Objects.equals(prompt, before)) {
                group++;
                before = prompt;
            }
            List<Double> given = new ArrayList<>();
            double total = 0;
            boolean any = false;
            for (int f = 0; f < weights.length; f++) {
                double value =
                        row.get(rewards.get(f)) instanceof Number n ? n.doubleValue() : Double.NaN;
                given.add(value);
                any |= !Double.isNaN(value);
                total += Double.isNaN(value) ? 0 : weights[f] * value;
            }
            answers.add(
                    new Answer(
                            group,
                            text(prompt, longest),
                            ShownPictures.names(prompt),
                            text(row.get("completion"), longest),
                            given,
                            any ? total : Double.NaN));
        }
        return answers;
    }

    /// A text, or the messages of a conversation below each other.
    private static String text(Object cell, int longest) {
        if (cell instanceof List<?> messages) {
            if (messages.size() == 1
                    && messages.getFirst() instanceof Map<?, ?> only
                    && only.get("content") instanceof String said
                    && only.get("tool_calls") == null) {
                return Excerpt.begin(ShownPictures.text(said), longest);
            }
            List<String> turns = new ArrayList<>();
            for (Object message : messages) {
                turns.add(message instanceof Map<?, ?> fields ? turn(fields) : "" + message);
            }
            return Excerpt.begin(String.join("\n", turns), longest);
        }
        return Excerpt.begin(cell == null ? "" : cell.toString(), longest);
    }

    private static String turn(Map<?, ?> fields) {
        Object content = fields.get("content");
        Object calls = fields.get("tool_calls");
        return "%s: %s%s"
                .formatted(
                        fields.get("role"),
                        ShownPictures.text(content),
                        calls == null ? "" : " " + calls);
    }

    static String cut(String text) {
        return Excerpt.begin(text, LONGEST);
    }
}
