package org.attune.bench;

import org.attune.error.AttuneException;
import org.attune.trainers.report.Machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A file per task that gets a line with every result, so that a slower commit shows.
///
/// @param folder of the files
public record BenchHistory(Path folder) {
    /// A line: what a reader compares, without single runs and shapes of products.
    private record Entry(
            String date,
            String commit,
            String command,
            Machine machine,
            Map<String, String> versions,
            int runs,
            Map<String, Double> attune,
            List<String> peerSettings,
            Map<String, Double> peer) {}

    private static final Path USUAL = Path.of("bench", "history");

    /// The history in a folder; by default in the repository's, if this is one.
    ///
    /// @param given null: none
    public static Optional<BenchHistory> of(Path given) {
        return given != null || Files.isDirectory(USUAL)
                ? Optional.of(new BenchHistory(given == null ? USUAL : given))
                : Optional.empty();
    }

    /// Adds a result.
    public void add(BenchResult result) {
        var entry =
                new Entry(
                        result.date(),
                        result.commit(),
                        result.command(),
                        result.machine(),
                        result.versions(),
                        result.attune().runs().size(),
                        result.attune().medians(),
                        result.peer().map(BenchResult.Side::settings).orElse(List.of()),
                        result.peer().map(BenchResult.Side::medians).orElse(Map.of()));
        add(result.work().task().label(), entry);
    }

    /// Adds a line.
    ///
    /// @param task names the file
    /// @param entry a record
    public void add(String task, Object entry) {
        Path file = folder.resolve(task + ".jsonl");
        try {
            Files.createDirectories(folder);
            Files.writeString(
                    file,
                    BenchJson.line(entry) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new AttuneException(file + " can't be written: " + e.getMessage(), e);
        }
    }
}
