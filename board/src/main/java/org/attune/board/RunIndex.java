package org.attune.board;

import org.attune.hash.Sha256;
import org.attune.reports.runs.FoundRun;
import org.attune.serve.ApiException;
import org.attune.trainers.report.HeldOutFile;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.PhasesFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.WarningsFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The runs below some folders. Requests name them by a hash of their folder, so no request carries
/// a path. Thread-safe.
final class RunIndex {
    private static final Logger LOG = LoggerFactory.getLogger(RunIndex.class);
    private static final Duration FRESH = Duration.ofSeconds(1);
    private static final int ID_DIGITS = 12;

    /// What the board reads of a run's folder.
    private static final List<String> FILES =
            List.of(
                    RunCard.NAME,
                    MetricsFile.NAME,
                    SummaryFile.NAME,
                    HeldOutFile.NAME,
                    PhasesFile.NAME,
                    WarningsFile.NAME,
                    "config.yaml",
                    "completions",
                    "report.html");

    private final List<Path> roots;
    private Map<String, Entry> entries = Map.of();
    private Instant looked = Instant.MIN;

    /// A run.
    ///
    /// @param id by which requests name it
    /// @param name its folder as seen from the root
    /// @param folder real path of its `output_dir`
    record Entry(String id, String name, Path folder, FoundRun run) {
        Path file(String file) {
            return folder.resolve(file);
        }
    }

    /// @param roots existing folders
    RunIndex(List<Path> roots) throws IOException {
        this.roots = List.copyOf(real(roots));
    }

    private static List<Path> real(List<Path> roots) throws IOException {
        var real = new ArrayList<Path>();
        for (Path root : roots) {
            real.add(root.toRealPath());
        }
        return real;
    }

    List<Path> roots() {
        return roots;
    }

    /// All runs, by name.
    synchronized List<Entry> all() throws IOException {
        Instant now = Instant.now();
        if (looked.plus(FRESH).isBefore(now)) {
            Map<String, Entry> found = new LinkedHashMap<>();
            for (Path root : roots) {
                for (FoundRun run : FoundRun.find(root, now)) {
                    if (isWithin(root, run.folder())) {
                        String id = id(run.folder());
                        found.putIfAbsent(
                                id, new Entry(id, name(root, run.folder()), run.folder(), run));
                    }
                }
            }
            entries = found;
            looked = now;
        }
        return List.copyOf(entries.values());
    }

    /// Whether no link leads from a run's files to elsewhere.
    private static boolean isWithin(Path root, Path folder) {
        try {
            for (String name : FILES) {
                Path file = folder.resolve(name);
                if (Files.exists(file) && !file.toRealPath().startsWith(root)) {
                    LOG.warn("{} is left out: {} leads out of {}", folder, name, root);
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false; // gone meanwhile
        }
    }

    private String name(Path root, Path folder) {
        Path end = root.getFileName() == null ? root : root.getFileName();
        String below = root.relativize(folder).toString();
        if (below.isEmpty()) {
            return end.toString();
        }
        return roots.size() == 1 ? below : end + "/" + below;
    }

    /// The run of an id.
    ///
    /// @throws ApiException if there is none
    Entry of(String id) throws ApiException, IOException {
        return all().stream()
                .filter(entry -> entry.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new ApiException(404, "not_found", "no run has the id " + id));
    }

    /// Whether a file is there, and within one of the roots wherever links lead.
    boolean holds(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        Path real = file.toRealPath();
        return roots.stream().anyMatch(real::startsWith);
    }

    /// By which requests name a folder.
    static String id(Path folder) {
        return Sha256.hex(folder.toString()).substring(0, ID_DIGITS);
    }
}
