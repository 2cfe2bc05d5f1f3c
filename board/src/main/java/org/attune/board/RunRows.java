package org.attune.board;

import org.attune.reports.page.HeldOutMetric;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a list of runs shows of each. What a run's metrics tell is kept until their file changes.
/// Thread-safe.
final class RunRows {
    private static final int LINE_POINTS = 60;
    private static final Pattern MODEL =
            Pattern.compile("(?m)^model_name_or_path: [\"']?([^\"'\n]*)");

    private final Map<Path, Digest> digests = new ConcurrentHashMap<>();

    /// What a metrics file tells.
    ///
    /// @param line a few values of what the run is judged by while it trains
    /// @param metric the name of these values
    private record Digest(
            FileTime changed,
            long size,
            String metric,
            List<Double> line,
            double tokensPerSecond) {}

    /// The fields of a run, for JSON.
    Map<String, Object> of(RunIndex.Entry entry) throws IOException {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("id", entry.id());
        row.put("name", entry.name());
        row.put("state", entry.run().standing().text());
        entry.run().card().ifPresent(card -> put(row, card));
        row.put("model", model(entry.file("config.yaml")));
        entry.run().heldOut().ifPresent(metric -> row.put("held_out", fields(metric)));
        Digest digest = digest(entry.file(MetricsFile.NAME));
        row.put("metric", digest.metric());
        row.put("line", digest.line());
        row.put("tokens_per_second", digest.tokensPerSecond());
        return row;
    }

    private static void put(Map<String, Object> row, RunCard card) {
        row.put("method", card.method());
        card.name().ifPresent(name -> row.put("run_name", name));
        row.put("step", card.step());
        row.put("planned_steps", card.plannedSteps());
        row.put("started", card.started().toString());
        row.put("beat", card.beat().toString());
        row.put("is_here", card.worker().isHere());
        card.failure().ifPresent(why -> row.put("failure", why));
    }

    /// The last part of the model's path or name, which a run's file has in one line.
    private static String model(Path config) throws IOException {
        if (!Files.isRegularFile(config)) {
            return "";
        }
        Matcher line = MODEL.matcher(Files.readString(config));
        return line.find() ? line.group(1).replaceFirst("/+$", "").replaceFirst(".*/", "") : "";
    }

    private static Map<String, Object> fields(HeldOutMetric metric) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("key", metric.key());
        fields.put("before", number(metric.before()));
        fields.put("after", number(metric.after()));
        return fields;
    }

    private static Object number(OptionalDouble value) {
        return value.isPresent() && Double.isFinite(value.getAsDouble())
                ? (Object) value.getAsDouble()
                : null;
    }

    private Digest digest(Path file) throws IOException {
        BasicFileAttributes now;
        try {
            now = Files.readAttributes(file, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            return new Digest(FileTime.fromMillis(0), 0, "", List.of(), 0);
        }
        Digest known = digests.get(file);
        if (known == null
                || known.size() != now.size()
                || !known.changed().equals(now.lastModifiedTime())) {
            known = read(file, now);
            digests.put(file, known);
        }
        return known;
    }

    private static Digest read(Path file, BasicFileAttributes now) throws IOException {
        List<Map<String, Object>> lines = MetricsFile.read(file);
        List<Double> rewards = values(lines, MetricKeys.REWARD);
        List<Double> rates = values(lines, MetricKeys.TOKENS_PER_SECOND);
        return new Digest(
                now.lastModifiedTime(),
                now.size(),
                rewards.isEmpty() ? MetricKeys.LOSS : MetricKeys.REWARD,
                thinned(rewards.isEmpty() ? values(lines, MetricKeys.LOSS) : rewards),
                rates.isEmpty() ? 0 : rates.getLast());
    }

    private static List<Double> values(List<Map<String, Object>> lines, String key) {
        return lines.stream()
                .map(line -> line.get(key))
                .filter(Number.class::isInstance)
                .map(value -> ((Number) value).doubleValue())
                .filter(Double::isFinite)
                .toList();
    }

    private static List<Double> thinned(List<Double> values) {
        List<Double> some = new ArrayList<>();
        int count = Math.min(LINE_POINTS, values.size());
        for (int i = 0; i < count; i++) {
            some.add(values.get((int) ((long) i * (values.size() - 1) / Math.max(1, count - 1))));
        }
        return some;
    }
}
