package org.attune.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;

import org.attune.reports.page.HeldOutMetric;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/// A run's folder and the contents of its files.
///
/// @param folder the run's `output_dir`
/// @param standing where it stands
/// @param card `run.json`; runs of older versions have none
/// @param heldOut quality on held-out rows, as far as it was measured
record FoundRun(
        Path folder, Standing standing, Optional<RunCard> card, Optional<HeldOutMetric> heldOut) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration SILENCE = Duration.ofMinutes(15);

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

    /// The run in a folder; empty if there is none.
    static Optional<FoundRun> in(Path folder, Instant now) throws IOException {
        Optional<RunCard> card = RunCard.read(folder.resolve(RunCard.NAME));
        Path summary = folder.resolve(SummaryFile.NAME);
        Path metrics = folder.resolve(MetricsFile.NAME);
        if (card.isEmpty() && !(Files.exists(summary) && Files.exists(metrics))) {
            return Optional.empty();
        }
        JsonNode told =
                Files.exists(summary) ? JSON.readTree(summary.toFile()) : MissingNode.getInstance();
        Standing standing = card.map(c -> standing(c, now)).orElseGet(() -> standing(told));
        boolean over = standing == Standing.FINISHED || standing == Standing.STOPPED;
        Optional<HeldOutMetric> heldOut =
                over && HeldOutMetric.isIn(told)
                        ? Optional.of(HeldOutMetric.of(told))
                        : HeldOutMetric.newest(MetricsFile.read(metrics), 0);
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
}
