package org.attune.reports.runs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.reports.page.HeldOutMetric;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A run's folder and the contents of its files.
///
/// @param folder the run's `output_dir`
/// @param standing where it stands
/// @param card `run.json`; runs of older versions have none
/// @param heldOut quality on held-out rows, as far as it was measured
public record FoundRun(
        Path folder, Standing standing, Optional<RunCard> card, Optional<HeldOutMetric> heldOut) {
    private static final Logger LOG = LoggerFactory.getLogger(FoundRun.class);
    private static final int DEPTH = 6;

    /// How folders of checkpoints begin in a run's folder; what lies in them is no other run's.
    private static final String CHECKPOINT = "checkpoint-";

    private static final Duration SILENCE = Duration.ofMinutes(15);

    /// How runs stand, in the order of a list.
    public enum Standing {
        RUNNING,
        /// Runs on another machine, and its last beat is long ago.
        SILENT,
        STOPPED,
        DEAD,
        FAILED,
        FINISHED;

        /// The standing as lists show it.
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// The run in a folder; empty if there is none.
    public static Optional<FoundRun> in(Path folder, Instant now) throws IOException {
        Optional<RunCard> card = RunCard.read(folder.resolve(RunCard.NAME));
        Path summary = folder.resolve(SummaryFile.NAME);
        Path metrics = folder.resolve(MetricsFile.NAME);
        if (card.isEmpty() && !(Files.exists(summary) && Files.exists(metrics))) {
            return Optional.empty();
        }
        JsonNode told =
                Files.exists(summary)
                        ? Json.MAPPER.readTree(summary.toFile())
                        : MissingNode.getInstance();
        Standing standing = card.map(c -> standing(c, now)).orElseGet(() -> standing(told));
        boolean over = standing == Standing.FINISHED || standing == Standing.STOPPED;
        Optional<HeldOutMetric> heldOut =
                over && HeldOutMetric.isIn(told)
                        ? Optional.of(HeldOutMetric.of(told))
                        : HeldOutMetric.newest(MetricsFile.read(metrics), 0);
        return Optional.of(new FoundRun(folder, standing, card, heldOut));
    }

    /// All runs in a folder and below it, by path. What can't be read is warned of and left out.
    ///
    /// @param now by which a run that has been silent for long is told
    /// @throws ConfigException if there is no such folder
    public static List<FoundRun> find(Path top, Instant now) throws IOException {
        if (!Files.isDirectory(top)) {
            throw new ConfigException(top + ": no such folder");
        }
        List<FoundRun> runs = new ArrayList<>();
        Files.walkFileTree(
                top,
                EnumSet.noneOf(FileVisitOption.class),
                DEPTH,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes a) {
                        if (at.getFileName() != null
                                && at.getFileName().toString().startsWith(CHECKPOINT)) {
                            return FileVisitResult.SKIP_SUBTREE;
                        }
                        try {
                            FoundRun.in(at, now).ifPresent(runs::add);
                        } catch (IOException e) {
                            LOG.warn("{} is left out: {}", at, e.getMessage());
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        return FileVisitResult.CONTINUE; // folders that others may not read
                    }
                });
        runs.sort(Comparator.comparing(FoundRun::folder));
        return runs;
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
