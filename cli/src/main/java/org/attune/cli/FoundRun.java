package org.attune.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A run's folder and the contents of its files.
///
/// @param folder the run's `output_dir`
/// @param standing where it stands
/// @param card `run.json`; runs of older versions have none
/// @param heldOut quality on held-out rows, as far as it was measured
record FoundRun(Path folder, Standing standing, Optional<RunCard> card, Optional<HeldOut> heldOut) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration SILENCE = Duration.ofMinutes(15);

    /// What runs are compared by, the first that they have.
    private static final List<String> METRICS =
            List.of(
                    MetricKeys.REWARD,
                    MetricKeys.PREFERENCE_ACCURACY,
                    MetricKeys.ACCURACY,
                    MetricKeys.LOSS);

    /// In the order of a list.
    enum Standing {
        RUNNING,
        /// Runs on another machine, and its last beat is long ago.
        SILENT,
        STOPPED,
        DEAD,
        FAILED,
        FINISHED;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// @param metric with its prefix, e.g. `eval_loss`
    /// @param before its first value; null if there is none
    /// @param after its newest, or the result's; null if there is none
    record HeldOut(String metric, Double before, Double after) {}

    /// The run in a folder; empty if there is none.
    static Optional<FoundRun> in(Path folder, Instant now) throws IOException {
        Optional<RunCard> card = RunCard.read(folder.resolve(RunCard.NAME));
        Path summary = folder.resolve(SummaryFile.NAME);
        Path metrics = folder.resolve(MetricsFile.NAME);
        if (card.isEmpty() && !(Files.exists(summary) && Files.exists(metrics))) {
            return Optional.empty();
        }
        JsonNode told = Files.exists(summary) ? JSON.readTree(summary.toFile()) : null;
        Standing standing = card.map(c -> standing(c, now)).orElseGet(() -> standing(told));
        boolean over = standing == Standing.FINISHED || standing == Standing.STOPPED;
        Optional<HeldOut> heldOut =
                over && told != null && told.path("heldout").isObject()
                        ? Optional.of(heldOut(told.path("heldout")))
                        : newest(MetricsFile.read(metrics));
        return Optional.of(new FoundRun(folder, standing, card, heldOut));
    }

    private static Standing standing(RunCard card, Instant now) {
        return switch (card.state()) {
            case STARTING, RUNNING -> {
                if (card.isDead()) {
                    yield Standing.DEAD;
                }
                boolean late = Duration.between(card.beat(), now).compareTo(SILENCE) > 0;
                yield late && !card.worker().isHere() ? Standing.SILENT : Standing.RUNNING;
            }
            case STOPPED -> Standing.STOPPED;
            case FAILED -> Standing.FAILED;
            case FINISHED -> Standing.FINISHED;
        };
    }

    private static Standing standing(JsonNode summary) {
        return summary.path("interrupted").asBoolean() ? Standing.STOPPED : Standing.FINISHED;
    }

    private static HeldOut heldOut(JsonNode told) {
        return new HeldOut(
                told.path("metric").asText(), number(told, "before"), number(told, "after"));
    }

    private static Double number(JsonNode fields, String key) {
        return fields.path(key).isNumber() ? fields.path(key).doubleValue() : null;
    }

    private static Optional<HeldOut> newest(List<Map<String, Object>> lines) {
        for (String metric : METRICS) {
            String key = MetricKeys.EVAL_PREFIX + metric;
            List<Double> values =
                    lines.stream()
                            .map(line -> line.get(key))
                            .filter(Number.class::isInstance)
                            .map(value -> ((Number) value).doubleValue())
                            .toList();
            if (!values.isEmpty()) {
                boolean once = values.size() == 1;
                return Optional.of(
                        new HeldOut(key, values.getFirst(), once ? null : values.getLast()));
            }
        }
        return Optional.empty();
    }
}
